// Runs on the browser's audio thread: 16-bit samples in pieces of a tenth of a second, with their peak.
const FULL = 0.985;

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(sampleRate / 10);
    this.begin();
  }

  begin() {
    this.pcm = new Int16Array(this.size);
    this.at = this.peak = this.full = 0;
  }

  process([[samples]]) {
    for (const sample of samples || []) {
      const loud = Math.abs(sample);
      this.peak = Math.max(this.peak, loud);
      this.full += loud > FULL;
      this.pcm[this.at++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.at === this.size) {
        this.port.postMessage({ pcm: this.pcm.buffer, peak: this.peak, clipped: this.full > 3 }, [this.pcm.buffer]);
        this.begin();
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
