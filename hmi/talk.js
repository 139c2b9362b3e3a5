// Push-to-talk: hold the key, or the space bar, and speak. The microphone is open only while it is held, or where the
// switch beside it leaves it open: then only what begins with the line's phrase is a command.
const DEAD_MS = 600;
const QUIET = 0.004;
const RATE = 16000;

export default {
  template: `
    <div class="talk">
      <button type="button" class="key tool talk-key" :class="[state, { away }]" :aria-pressed="state === 'live'"
              :aria-label="words.talk" :title="away ? words.talk_away : words.talk_hint"
              @pointerdown.prevent="press($event)" @pointerup="release" @pointercancel="release"
              @lostpointercapture="release" @contextmenu.prevent>
        <span v-html="icon"></span><span class="talk-word">{{ state === 'live' ? words.talk_speak : words.talk }}</span>
        <span v-if="state !== 'idle'" class="talk-meter" :class="{ clipped }" aria-hidden="true"><i :style="{ width: level + '%' }"></i></span>
      </button>
      <button v-if="phrase" type="button" role="switch" class="key tool talk-open" :class="{ open }" :aria-checked="open ? 'true' : 'false'"
              :aria-label="words.talk_open" :title="(open ? words.talk_opened : words.talk_open_hint).replace('{}', phrase)" @click="open ? shut() : leaveOpen()">
        <span v-html="ear"></span>
        <span v-if="open && state === 'idle'" class="talk-meter" aria-hidden="true"><i :style="{ width: level + '%' }"></i></span>
      </button>
      <section v-if="card" class="talk-card" :class="'talk-' + card.is" role="status" aria-live="polite">
        <p v-if="card.heard" class="talk-heard">{{ words.talk_heard }}: <q>{{ card.heard }}</q></p>
        <p class="talk-text">{{ card.text }}</p>
        <p v-if="code" class="talk-code" :aria-label="words.talk_code"><b v-for="digit in code" class="talk-digit">{{ digit }}</b>
          <span class="talk-left">{{ left }} s</span></p>
        <p v-if="warning" class="talk-warning">{{ warning }}</p>
        <form class="talk-type" @submit.prevent="type">
          <input v-model="typed" :aria-label="words.talk_type" :placeholder="words.talk_type" maxlength="200" autocomplete="off">
          <button type="submit" class="key">{{ words.talk_send }}</button>
          <button type="button" class="key talk-close" @click="close" :aria-label="words.talk_close">×</button>
        </form>
      </section>
    </div>`,
  props: { languages: Object, icon: String, ear: String, phrases: Object, away: Boolean },
  data() {
    return { state: "idle", open: false, level: 0, clipped: false, card: null, code: "", left: 0, warning: "", typed: "", language: "en" };
  },
  computed: {
    words() {
      return this.languages[this.language] || Object.values(this.languages)[0];
    },
    phrase() {
      return this.phrases[this.language] || "";
    },
  },
  watch: {
    language() {
      this.shut();
    },
  },
  mounted() {
    const screen = this.$el.closest(".screen");
    const read = () => { this.language = (screen && screen.lang) || "en"; };
    this.watcher = new MutationObserver(read);
    if (screen) this.watcher.observe(screen, { attributes: true, attributeFilter: ["lang"] });
    read();
    this.onDown = (event) => this.space(event, true);
    this.onUp = (event) => this.space(event, false);
    this.onBlur = () => this.release();
    window.addEventListener("keydown", this.onDown);
    window.addEventListener("keyup", this.onUp);
    window.addEventListener("blur", this.onBlur);
    // An open microphone has to be seen.
    this.onHidden = () => document.hidden && this.shut();
    document.addEventListener("visibilitychange", this.onHidden);
    this.timer = setInterval(this.tick, 200);
  },
  unmounted() {
    this.watcher.disconnect();
    window.removeEventListener("keydown", this.onDown);
    window.removeEventListener("keyup", this.onUp);
    window.removeEventListener("blur", this.onBlur);
    document.removeEventListener("visibilitychange", this.onHidden);
    clearInterval(this.timer);
    this.silence();
    if (this.sound) this.sound.close();
    if (this.socket) this.socket.close();
  },
  methods: {
    space(event, down) {
      if (event.code !== "Space" || event.repeat) {
        if (event.code === "Space" && this.state !== "idle") event.preventDefault();
        return;
      }
      // In a field a blank is a blank, and on another key it presses that key.
      const at = document.activeElement;
      const elsewhere = at && at !== document.body && !at.classList.contains("talk-key") &&
        at.closest("input, textarea, select, button, summary, a, [contenteditable], [tabindex]");
      if (down && elsewhere) return;
      if (down || this.state !== "idle") event.preventDefault();
      if (down) this.press();
      else this.release();
    },
    async press(event) {
      if (this.state !== "idle") return;
      if (this.away) {
        this.trouble(this.words.talk_away);
        return;
      }
      if (event && event.pointerId !== undefined) event.currentTarget.setPointerCapture(event.pointerId);
      this.held = true;
      if ((await this.reach("press")) && !this.held) this.release();
    },
    async leaveOpen() {
      if (this.state !== "idle") return;
      if (this.away) {
        this.trouble(this.words.talk_away);
        return;
      }
      this.open = await this.reach("listen");
      this.state = "idle";
      if (document.hidden) this.shut();
    },
    shut() {
      if (!this.open) return;
      this.open = false;
      if (this.state !== "idle") return;
      const socket = this.speaking;
      this.silence();
      if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: "rest" }));
    },
    // Opens the microphone and tells the line what for; false where that did not work, and why is said.
    async reach(wish) {
      this.silence();
      this.state = "opening";
      this.warning = "";
      this.loudest = 0;
      this.waiting = [];
      try {
        if (!navigator.mediaDevices) throw new Error("insecure");
        // The line is called while the microphone opens; what is said until it answers waits here.
        const calling = this.connected();
        calling.catch(() => {});
        await this.prepare();
        // Nothing is mended by the browser: what is cut off or silent has to be seen as such.
        this.stream = await navigator.mediaDevices.getUserMedia({
          audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
        });
        await this.listen();
        this.since = performance.now();
        if (wish === "press") this.state = "live";
        const socket = await calling;
        socket.send(JSON.stringify({ do: wish, rate: this.sound.sampleRate }));
        this.waiting.splice(0).forEach((pcm) => socket.send(pcm));
        this.speaking = socket;
        return true;
      } catch (error) {
        this.silence();
        this.state = "idle";
        this.open = false;
        const why = { insecure: "talk_insecure", NotAllowedError: "talk_denied", NotFoundError: "talk_no_microphone" };
        this.trouble(this.words[why[error.message] || why[error.name]] || this.words.talk_away);
        return false;
      }
    },
    // Kept from press to press: a microphone that is open already must not wait for it.
    async prepare(rate = RATE) {
      if (this.sound) {
        await this.sound.resume();
        return;
      }
      const sound = new AudioContext(rate ? { sampleRate: rate } : {});
      await sound.audioWorklet.addModule("/hmi/talk-worklet.js");
      await sound.resume();
      this.sound = sound;
    },
    async listen() {
      try {
        this.input = this.sound.createMediaStreamSource(this.stream);
      } catch {
        // This browser converts no rates: the server does.
        this.sound.close();
        this.sound = null;
        await this.prepare(0);
        this.input = this.sound.createMediaStreamSource(this.stream);
      }
      this.tap = new AudioWorkletNode(this.sound, "tap", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
      this.tap.port.onmessage = ({ data }) => this.took(data);
      this.input.connect(this.tap);
    },
    took({ pcm, peak, clipped }) {
      if (this.state === "idle" && !this.open) return;
      if (!this.speaking) this.waiting.push(pcm);
      else if (this.speaking.readyState === WebSocket.OPEN) this.speaking.send(pcm);
      this.level = Math.min(100, Math.round(100 * Math.sqrt(peak)));
      if (this.state === "idle") return;
      this.clipped = clipped;
      this.loudest = Math.max(this.loudest, peak);
      if (clipped) this.warning = this.words.talk_clipped;
      else if (this.loudest < QUIET && performance.now() - this.since > DEAD_MS) this.warning = this.words.talk_dead;
      else if (this.warning === this.words.talk_dead) this.warning = "";
      if (this.warning && !this.card) this.card = { is: "hint", text: "" };
    },
    release() {
      this.held = false;
      if (this.state !== "live" || !this.speaking) return;
      const socket = this.speaking;
      this.state = "idle";
      this.silence();
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: "release" }));
      if (this.open) this.leaveOpen();
    },
    silence() {
      if (this.stream) this.stream.getTracks().forEach((track) => track.stop());
      if (this.input) this.input.disconnect();
      if (this.tap) this.tap.port.onmessage = null;
      if (this.sound && this.sound.state === "running") this.sound.suspend();
      this.stream = this.input = this.tap = this.speaking = null;
      this.level = 0;
      this.clipped = false;
    },
    connected() {
      const open = this.socket && this.socket.readyState === WebSocket.OPEN;
      if (open && this.socket.language === this.language) return Promise.resolve(this.socket);
      if (this.socket) this.socket.close();
      const scheme = location.protocol === "https:" ? "wss" : "ws";
      const socket = new WebSocket(`${scheme}://${location.host}/api/v1/voice?language=${this.language}`);
      socket.language = this.language;
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => (typeof data === "string" ? this.said(JSON.parse(data)) : this.aloud(data));
      socket.onclose = ({ code }) => {
        if (code === 4401) location.assign("/login");
        else if (this.socket === socket && (this.open || this.state !== "idle")) this.lost();
      };
      this.socket = socket;
      return new Promise((done, failed) => {
        socket.onopen = () => done(socket);
        socket.onerror = () => failed(new Error("away"));
      });
    },
    lost() {
      this.silence();
      this.state = "idle";
      this.open = false;
      this.trouble(this.words.talk_away);
    },
    said(word) {
      if (word.is === "partial") {
        this.card = { is: "partial", text: word.text + " …" };
        return;
      }
      if (word.is === "away") this.shut();
      this.card = word;
      this.code = word.code;
      this.until = performance.now() + word.code_s * 1000;
      this.tick();
    },
    aloud(wav) {
      if (this.player) this.player.pause();
      const address = URL.createObjectURL(new Blob([wav], { type: "audio/wav" }));
      this.player = new Audio(address);
      this.player.onended = () => URL.revokeObjectURL(address);
      this.player.play().catch(() => URL.revokeObjectURL(address));
    },
    trouble(text) {
      this.card = { is: "away", text };
      this.code = "";
    },
    async type() {
      const text = this.typed.trim();
      if (!text) return;
      this.typed = "";
      try {
        (await this.connected()).send(JSON.stringify({ do: "type", text }));
      } catch {
        this.trouble(this.words.talk_away);
      }
    },
    close() {
      this.card = null;
      this.code = this.warning = "";
    },
    tick() {
      if (!this.code) return;
      this.left = Math.ceil((this.until - performance.now()) / 1000);
      if (this.left <= 0) this.code = "";
    },
  },
};
