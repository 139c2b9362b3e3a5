// The picture of a part with its findings outlined and labelled; the picture and its outlines change together.
const HALO = 5;
const LEAST_OUTLINE = 18; // CSS pixels: a finding of a few camera pixels must still be seen
const GAP = 4;
const LATE_MS = 300;
const MANY = 12; // with more findings than this only the worst are named on the picture, the rest numbered
const NAMED = 5;

export default {
  template: `
    <div :class="['board', { 'board-late': late }]" ref="stage">
      <div v-if="current.src" class="board-plane" :style="planeStyle">
        <img class="board-image" :src="current.src" :alt="current.alt" :data-report="current.report" draggable="false">
        <img v-if="over" class="board-over" :src="over.src" alt="" :style="{ opacity: strength / 100 }" draggable="false"
          @error="unmade = true">
        <svg class="board-outlines" :viewBox="'0 0 ' + plane.width + ' ' + plane.height" aria-hidden="true">
          <g v-for="mark in drawn" :key="mark.number" :class="'mark mark-' + mark.kind">
            <rect class="halo" :x="mark.x" :y="mark.y" :width="mark.w" :height="mark.h" rx="4"/>
            <rect class="outline" :x="mark.x" :y="mark.y" :width="mark.w" :height="mark.h" rx="4"
              :data-number="mark.number" :data-box="mark.box.join(' ')"/>
            <line v-if="mark.leader" class="leader" v-bind="mark.leader"/>
          </g>
        </svg>
        <div v-for="mark in drawn" :key="'tag' + mark.number" ref="tags" :data-number="mark.number"
          :class="['tag', 'tag-' + mark.kind, { 'tag-small': mark.small, 'tag-unplaced': !mark.placed }]"
          :style="{ left: mark.tagX + 'px', top: mark.tagY + 'px' }">
          <b>{{ mark.number }}</b><span class="tag-text">{{ mark.name }} <i v-if="mark.size">{{ mark.size }}</i></span>
        </div>
      </div>
      <div v-else class="board-empty"><span>{{ current.empty }}</span></div>
      <div v-if="current.src && choices.length" class="board-compare" role="group">
        <button type="button" class="key" :aria-pressed="String(!over)" @click="choose('')">{{ current.plain }}</button>
        <button v-for="item in choices" :key="item.kind" type="button" class="key" :data-overlay="item.kind"
          :aria-pressed="String(kind === item.kind)" @click="choose(item.kind)">{{ item.name }}</button>
        <input v-if="over && !unmade" type="range" min="0" max="100" v-model.number="strength" :aria-label="current.strength">
        <span v-if="over && unmade" class="unmade" role="status">{{ current.unmade }}</span>
      </div>
    </div>`,
  props: { scene: Object },
  data() {
    // Nothing is said of a picture that is still on its way.
    return { current: { ...this.scene, src: null, empty: this.scene?.src ? "" : this.scene?.empty }, natural: [1, 1], plane: { width: 1, height: 1 }, drawn: [],
      kind: "", strength: 60, unmade: false, late: false };
  },
  computed: {
    choices() {
      return this.current.overlays || [];
    },
    over() {
      return this.choices.find((item) => item.kind === this.kind);
    },
    planeStyle() {
      return { width: this.plane.width + "px", height: this.plane.height + "px" };
    },
  },
  watch: {
    scene: { deep: true, handler: "load" },
  },
  mounted() {
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.$refs.stage);
    this.load();
  },
  unmounted() {
    this.observer.disconnect();
  },
  methods: {
    choose(kind) {
      this.kind = kind;
      this.unmade = false;
    },
    // One picture at a time: where parts come quicker than pictures, the newest is taken next and none is waited for twice.
    async load() {
      if (!this.scene || this.loading) return;
      this.loading = true;
      // The figures beside it are those of the new part already: an old picture must not pass for its own.
      const slow = setTimeout(() => (this.late = true), LATE_MS);
      let wanted;
      do {
        wanted = JSON.stringify(this.scene);
        await this.show(JSON.parse(wanted));
      } while (wanted !== JSON.stringify(this.scene));
      clearTimeout(slow);
      this.loading = this.late = false;
    },
    async show(scene) {
      if (scene.src && scene.src !== this.current.src) {
        const image = new Image();
        image.src = scene.src;
        try {
          await image.decode();
          this.natural = [image.naturalWidth, image.naturalHeight];
        } catch {
          scene.src = null;
          scene.empty = scene.broken;
        }
      }
      if (scene.report !== this.current.report) this.unmade = false;
      this.current = scene;
      await this.layout();
    },
    async layout() {
      const stage = this.$refs.stage;
      if (!stage || !this.current.src) return;
      const [width, height] = this.natural;
      const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
      if (!(scale > 0)) return;
      this.plane = { width: Math.floor(width * scale), height: Math.floor(height * scale) };
      this.drawn = (this.current.marks || []).map((mark) => outline(mark, scale));
      await this.$nextTick();
      const tags = new Map((this.$refs.tags || []).map((tag) => [Number(tag.dataset.number), tag]));
      const sizes = new Map();
      for (const mark of this.drawn) {
        const tag = tags.get(mark.number);
        if (!tag) return;
        sizes.set(mark.number, { w: tag.offsetWidth, h: tag.offsetHeight, small: tag.firstElementChild.offsetWidth });
      }
      place(this.drawn, sizes, this.plane);
    },
  },
};

function outline(mark, scale) {
  const [x0, y0, x1, y1] = mark.box.map((edge) => edge * scale);
  const grow = (span) => Math.max(HALO, (LEAST_OUTLINE - span) / 2);
  const [gx, gy] = [grow(x1 - x0), grow(y1 - y0)];
  const rect = { x: x0 - gx, y: y0 - gy, w: x1 - x0 + 2 * gx, h: y1 - y0 + 2 * gy };
  return { ...mark, ...rect, tagX: 0, tagY: 0, small: false, placed: false, leader: null };
}

// Worst findings choose first: beside their outline where nothing is covered, else further away with a leader,
// else the number only, whose row in the list says the rest.
function place(marks, sizes, plane) {
  const taken = [];
  for (const [rank, mark] of marks.entries()) {
    const size = sizes.get(mark.number);
    const named = marks.length <= MANY || rank < NAMED;
    const full = named && best(mark, size.w, size.h, marks, taken, plane, [GAP, 26, 52]);
    const brief = full && full.cost < 1 ? null : best(mark, size.small, size.h, marks, taken, plane, [GAP, 20, 40, 64, 96]);
    const spot = brief ? { ...brief, small: true } : full;
    Object.assign(mark, { tagX: spot.x, tagY: spot.y, small: Boolean(spot.small), placed: true });
    mark.leader = spot.away > GAP ? leader(mark, spot) : null;
    taken.push({ x: spot.x, y: spot.y, w: spot.w, h: spot.h });
  }
}

function best(mark, w, h, marks, taken, plane, distances) {
  let found = null;
  for (const away of distances) {
    const above = mark.y - h - away;
    const below = mark.y + mark.h + away;
    const spots = [
      [mark.x, above], [mark.x, below], [mark.x + mark.w - w, above], [mark.x + mark.w - w, below],
      [mark.x + mark.w + away, mark.y], [mark.x - w - away, mark.y],
      [mark.x + mark.w + away, mark.y + mark.h - h], [mark.x - w - away, mark.y + mark.h - h],
    ];
    for (const [wantX, wantY] of spots) {
      const x = Math.min(Math.max(wantX, 2), plane.width - w - 2);
      const y = Math.min(Math.max(wantY, 2), plane.height - h - 2);
      const spot = { x, y, w, h, away };
      const covers = taken.reduce((sum, other) => sum + overlap(spot, other), 0);
      const hides = marks.reduce((sum, other) => sum + overlap(spot, other), 0);
      spot.cost = (covers > 0 ? 2 : 0) + (10 * covers + 3 * hides) / (w * h) + away / 1000;
      if (!found || spot.cost < found.cost) found = spot;
      if (spot.cost < 0.01) return spot;
    }
  }
  return found;
}

function overlap(a, b) {
  const x = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const y = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return x > 0 && y > 0 ? x * y : 0;
}

function leader(mark, spot) {
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const [cx, cy] = [spot.x + spot.w / 2, spot.y + spot.h / 2];
  return {
    x1: clamp(cx, mark.x, mark.x + mark.w),
    y1: clamp(cy, mark.y, mark.y + mark.h),
    x2: clamp(mark.x + mark.w / 2, spot.x, spot.x + spot.w),
    y2: clamp(mark.y + mark.h / 2, spot.y, spot.y + spot.h),
  };
}
