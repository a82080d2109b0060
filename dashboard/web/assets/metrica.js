// Notices when the page no longer gets its figures, and says so; sends the user to log in when the session is over.
(function () {
  "use strict";
  let last = Date.now();

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    metrica: {
      beat: function () {
        last = Date.now();
        return true; // hides the banner
      },
    },
  });

  function watch() {
    const banner = document.getElementById("offline");
    if (!banner || document.hidden || Date.now() - last < 20000) {
      return;
    }
    banner.hidden = false;
    fetch("/session", { cache: "no-store" })
      .then(function (answer) {
        if (answer.status === 401) {
          window.location.assign("/login");
        }
        return answer.ok ? {} : answer.json();
      })
      .then(
        function (said) {
          banner.textContent = said.error || banner.dataset.text;
        },
        function () {
          banner.textContent = banner.dataset.text; // no server: the next round asks again
        }
      );
  }

  // Forms that change something small: sent without leaving the page, and the figures are asked for at once.
  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches || !form.matches("form[data-quiet]")) {
      return;
    }
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) })
      .then(function (answer) {
        if (answer.status === 401) {
          window.location.assign("/login");
        } else if (!answer.ok) {
          return answer.json().then(function (said) {
            say(said.error);
          });
        }
      })
      .catch(function () {
        say("");
      })
      .then(function () {
        button.disabled = false;
        window.dash_clientside.set_props("tick", { n_intervals: -Date.now() });
      });
  });

  function say(text) {
    const banner = document.getElementById("offline");
    banner.textContent = text || banner.dataset.text;
    banner.hidden = false;
  }

  document.addEventListener("visibilitychange", function () {
    last = Date.now(); // a sleeping tab is not a lost connection
  });
  window.setInterval(watch, 5000);
})();
