// The clock, which is also the line's heartbeat on this screen: when it stops, the screen says so.
const SILENCE_MS = 1800;
const LOOK_MS = 200;

export default {
  template: `
    <div :class="['link', { linked: heardOnce }]">
      <time class="clock">{{ beat.clock }}</time>
      <div v-if="lost" class="lost" role="alertdialog" aria-modal="true" :aria-label="beat.title">
        <div class="lost-card">
          <span v-html="beat.icon"></span>
          <h2>{{ beat.title }}</h2>
          <p>{{ beat.detail }}</p>
          <p class="lost-since">{{ beat.since }} <b>{{ beat.clock }}</b></p>
          <p class="lost-retry"><span class="spinner"></span>{{ beat.retry }}</p>
        </div>
      </div>
    </div>`,
  props: { beat: Object },
  data() {
    return { lost: false, heardOnce: false };
  },
  watch: {
    beat() {
      this.heard = performance.now();
      this.heardOnce = true;
      this.lost = false;
    },
  },
  mounted() {
    this.heard = performance.now();
    this.timer = setInterval(this.look, LOOK_MS);
    document.addEventListener("visibilitychange", this.shown);
    this.adopt();
  },
  unmounted() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.shown);
  },
  methods: {
    look() {
      this.lost = performance.now() - this.heard > SILENCE_MS;
    },
    shown() {
      // Browsers stop the timers of hidden tabs; silence counts from when somebody looks.
      if (!document.hidden) this.heard = performance.now();
    },
    // A failed attempt would reload into the browser's own error page, from which nothing comes back by itself:
    // reload only when the server answers.
    adopt() {
      if (!window.socket) {
        setTimeout(this.adopt, 50);
        return;
      }
      window.socket.io.reconnectionDelayMax(1500);
      window.socket.off("connect_error");
      window.socket.on("connect_error", (error) => {
        if (String(error.message).includes("handshake")) this.reload();
      });
    },
    async reload() {
      if (this.reloading) return;
      this.reloading = true;
      while (!(await fetch(window.location.href, { cache: "no-store" }).then((answer) => answer.ok, () => false))) {
        await new Promise((done) => setTimeout(done, 500));
      }
      window.location.reload();
    },
  },
};
