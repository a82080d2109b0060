"use strict";
// A stream that ends (the box was restarted, say) is asked for again; who has no right to it any more is told why.
const picture = document.getElementById("picture");
const state = document.getElementById("state");
let tries = 0;
picture.addEventListener("error", async () => {
  let answer = 0;
  try {
    answer = (await fetch("preview.css")).status;
  } catch {
    answer = 0;
  }
  if (answer === 401) {
    state.textContent = "started anew: open the address that the log shows now";
    return;
  }
  state.textContent = "no connection, trying again";
  setTimeout(() => { tries += 1; picture.src = `stream?${tries}`; }, 1000);
});
picture.addEventListener("load", () => { state.textContent = ""; });
