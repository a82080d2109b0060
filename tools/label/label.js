// The page of metrica-label: shows a clip frame by frame, and keeps the taps in the label file.
"use strict";

const AHEAD = 12; // frames fetched before they are needed
const KEPT = 120; // frames kept in this page
const at = (id) => document.getElementById(id);
const canvas = at("picture");
const pen = canvas.getContext("2d");
const pictures = new Map(); // frame -> ImageBitmap
const asked = new Set(); // frames on their way
let clip = null; // what the server told
let taps = []; // {frame, way, line}, in the order of tapping
let watched = 0; // the last frame that was seen without a jump
let shown = -1;
let wanted = 0;
let playing = false;
let due = 0; // when the next frame is to be shown, ms
let changed = 0; // grows with every change; `saved` follows it
let saved = 0;
let saving = false;
let stale = false;

async function start() {
  clip = await (await fetch("clip.json")).json();
  document.title = `${clip.clip} - metrica-label`;
  at("clip").textContent = clip.clip;
  at("seek").max = clip.frames - 1;
  watched = clip.watched[1];
  for (const line of clip.lines) {
    at("line").add(new Option(line.name));
    for (const [frame, way] of line.events) taps.push({ frame, way, line: line.name });
  }
  taps.sort((a, b) => a.frame - b.frame);
  at("lines").hidden = clip.lines.length < 2;
  [canvas.width, canvas.height] = clip.size;
  list();
  go(watched);
  requestAnimationFrame(tick);
  setInterval(save, 2000);
}

const speed = () => Number(at("speed").value);
const stride = () => Math.max(1, Math.round((clip.fps * speed()) / 30));
const clamp = (frame) => Math.min(Math.max(frame, 0), clip.frames - 1);

async function fetchFrame(frame) {
  if (pictures.has(frame) || asked.has(frame) || frame < 0 || frame >= clip.frames) return;
  asked.add(frame);
  try {
    const answer = await fetch(`frame/${frame}.jpg`);
    if (answer.status === 404 && frame > 0) {
      clip.frames = Math.min(clip.frames, frame); // the file has fewer frames than it says
      at("seek").max = clip.frames - 1;
      wanted = clamp(wanted);
    } else if (answer.ok) {
      pictures.set(frame, await createImageBitmap(await answer.blob()));
      while (pictures.size > KEPT) {
        const first = pictures.keys().next().value;
        pictures.get(first).close();
        pictures.delete(first);
      }
    }
  } catch {
    say("metrica-label does not answer: is it still running?", true);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  } finally {
    asked.delete(frame);
  }
}

function tick(now) {
  if (playing && now >= due && shown >= 0) {
    const next = shown + stride();
    if (next > clip.frames - 1) play(false);
    else if (pictures.has(next)) {
      wanted = next;
      // A slow machine plays slower: no frame that somebody should judge is left out.
      due = Math.max(due, now - 50) + (1000 * stride()) / (clip.fps * speed());
    }
  }
  if (wanted !== shown && pictures.has(wanted)) show(wanted);
  const step = playing ? stride() : 1;
  if (asked.size < 4) {
    for (let i = 0; i <= AHEAD && asked.size < 4; i++) fetchFrame(wanted + i * step);
  }
  requestAnimationFrame(tick);
}

function show(frame) {
  shown = frame;
  // The stored order is that of use: what was just shown is the last to go.
  const picture = pictures.get(frame);
  pictures.delete(frame);
  pictures.set(frame, picture);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  drawLines();
  if (frame > watched && frame - watched <= stride()) {
    watched = frame;
    changed++;
  }
  at("seek").value = frame;
  at("time").textContent = `${clock(frame)} / ${clock(clip.frames - 1)} · watched to ${clock(watched)}`;
  document.body.dataset.frame = frame;
}

function drawLines() {
  const scale = Math.max(1, Math.min(canvas.width, canvas.height) / 480);
  for (const { name, points } of clip.lines) {
    const parts = [];
    for (let i = 0; i + 3 < points.length; i += 2) parts.push(points.slice(i, i + 4));
    const span = ([x1, y1, x2, y2]) => Math.hypot(x2 - x1, y2 - y1);
    const [x1, y1, x2, y2] = parts.reduce((a, b) => (span(b) > span(a) ? b : a)); // the arrow is on the longest part
    const length = span([x1, y1, x2, y2]);
    const [nx, ny] = [(y1 - y2) / length, (x2 - x1) / length]; // to the IN side
    const hit = taps.find((t) => t.line === name && Math.abs(t.frame - shown) < 0.4 * clip.fps);
    pen.strokeStyle = pen.fillStyle = hit ? (hit.way === "in" ? "#1fbf65" : "#ff8a1d") : "#3cc8ff";
    pen.lineWidth = (hit ? 5 : 3) * scale;
    const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
    const [tx, ty] = [mx + nx * 40 * scale, my + ny * 40 * scale];
    pen.beginPath();
    pen.moveTo(points[0], points[1]);
    for (const part of parts) pen.lineTo(part[2], part[3]);
    pen.moveTo(mx, my);
    pen.lineTo(tx, ty);
    pen.lineTo(tx - (nx - ny) * 9 * scale, ty - (ny + nx) * 9 * scale);
    pen.moveTo(tx, ty);
    pen.lineTo(tx - (nx + ny) * 9 * scale, ty - (ny - nx) * 9 * scale);
    pen.stroke();
    pen.font = `bold ${16 * scale}px sans-serif`;
    pen.textAlign = "center";
    pen.fillText(clip.lines.length > 1 ? `${name} IN` : "IN", tx + nx * 16 * scale, ty + ny * 16 * scale + 5 * scale);
  }
}

function clock(frame) {
  const tenths = Math.round((frame / clip.fps) * 10);
  const seconds = `${Math.floor(tenths / 10) % 60}`.padStart(2, "0");
  return `${Math.floor(tenths / 600)}:${seconds}.${tenths % 10}`;
}

function play(on) {
  playing = on;
  due = performance.now();
  at("play").textContent = on ? "Pause" : "Play";
  if (!on) save();
}

function go(frame) {
  wanted = clamp(frame);
  due = performance.now();
}

function tap(way) {
  if (shown < 0) return;
  taps.push({ frame: shown, way, line: at("line").value });
  const button = at(way);
  button.classList.add("hit");
  setTimeout(() => button.classList.remove("hit"), 150);
  edited();
}

function undo() {
  if (taps.pop()) edited();
}

function edited() {
  changed++;
  list();
  if (shown >= 0 && pictures.has(shown)) show(shown);
  save();
}

function list() {
  const rows = taps.map((t) => t).sort((a, b) => b.frame - a.frame);
  at("list").replaceChildren(
    ...rows.map((t) => {
      const row = document.createElement("li");
      row.className = t.way;
      const jump = document.createElement("button");
      jump.className = "jump";
      const way = document.createElement("b");
      way.textContent = t.way.toUpperCase();
      jump.append(`${clock(t.frame)} `, way, clip.lines.length > 1 ? ` ${t.line}` : "");
      jump.onclick = () => { play(false); go(t.frame); };
      const gone = document.createElement("button");
      gone.textContent = "×";
      gone.setAttribute("aria-label", `remove ${t.way} at ${clock(t.frame)}`);
      gone.onclick = () => { taps = taps.filter((other) => other !== t); edited(); };
      row.append(jump, gone);
      return row;
    }),
  );
  const count = (way) => taps.filter((t) => t.way === way).length;
  at("totals").textContent = `${count("in")} in, ${count("out")} out`;
}

function say(text, bad) {
  at("status").textContent = text;
  at("status").classList.toggle("bad", Boolean(bad));
}

async function save() {
  if (saving || stale || saved === changed) return;
  saving = true;
  const upTo = changed;
  const lines = Object.fromEntries(clip.lines.map(({ name }) => [name, []]));
  for (const t of taps) lines[t.line].push([t.frame, t.way]);
  try {
    const answer = await fetch("labels", {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ revision: clip.revision, watched: [0, watched], lines }),
    });
    const told = await answer.json();
    if (answer.ok) {
      clip.revision = told.revision;
      saved = upTo;
      say("saved");
    } else {
      stale = answer.status === 409;
      say(told.error, true);
    }
  } catch {
    say("not saved yet: metrica-label does not answer", true);
  }
  saving = false;
  if (saved === upTo && changed !== upTo && !playing) save();
}

// A tap counts when the finger or the mouse goes down; a click without a pointer comes from the keyboard.
for (const way of ["in", "out"]) {
  at(way).addEventListener("pointerdown", (event) => { if (event.button === 0) tap(way); });
  at(way).addEventListener("click", (event) => { if (event.detail === 0) tap(way); });
}
at("undo").onclick = undo;
at("play").onclick = () => play(!playing);
at("back").onclick = () => { play(false); go(shown - 1); };
at("forth").onclick = () => { play(false); go(shown + 1); };
at("seek").oninput = () => { play(false); go(Number(at("seek").value)); };
at("speed").onchange = () => { due = performance.now(); };

function faster(by) {
  const menu = at("speed");
  menu.selectedIndex = Math.min(Math.max(menu.selectedIndex + by, 0), menu.length - 1);
}

addEventListener("keydown", (event) => {
  if (!clip || event.altKey || event.metaKey) return;
  const second = Math.round(clip.fps);
  const keys = {
    " ": () => play(!playing),
    i: () => tap("in"),
    o: () => tap("out"),
    u: undo,
    arrowleft: () => { play(false); go(shown - (event.shiftKey ? second : 1)); },
    arrowright: () => { play(false); go(shown + (event.shiftKey ? second : 1)); },
    "[": () => faster(-1),
    "]": () => faster(1),
  };
  const key = event.key.toLowerCase();
  const action = event.ctrlKey ? (key === "z" ? undo : null) : keys[key];
  const repeats = key.startsWith("arrow");
  if (action && (repeats || !event.repeat)) {
    event.preventDefault();
    action();
  } else if (!event.ctrlKey && /^[1-9]$/.test(key) && Number(key) <= clip.lines.length) {
    at("line").selectedIndex = Number(key) - 1;
  }
});
addEventListener("beforeunload", (event) => { if (clip && saved !== changed) { save(); event.preventDefault(); } });

start().catch(() => say("metrica-label does not answer: load this page again", true));
