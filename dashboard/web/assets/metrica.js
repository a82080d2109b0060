// Shows a banner when the page gets no more figures, opens the login when the session has ended, and sends the small
// forms without leaving the page.
(function () {
  "use strict";
  let lastAnswer = Date.now();

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    metrica: {
      beat: function () {
        lastAnswer = Date.now();
        return true; // hides the banner
      },
    },
  });

  // What comes before every address, if a reverse proxy shows the page under a path.
  function root() {
    return document.getElementById("offline").dataset.root;
  }

  function checkConnection() {
    const banner = document.getElementById("offline");
    if (!banner || document.hidden || Date.now() - lastAnswer < 20000) {
      return;
    }
    banner.hidden = false;
    fetch(root() + "/session", { cache: "no-store" })
      .then(function (answer) {
        if (answer.status === 401) {
          window.location.assign(root() + "/login");
        }
        return answer.ok ? {} : answer.json();
      })
      .then(
        function (body) {
          banner.textContent = body.error || banner.dataset.text;
        },
        function () {
          banner.textContent = banner.dataset.text; // no server: asked again in five seconds
        }
      );
  }

  // Send a form with data-quiet without leaving the page, then ask for the new figures at once.
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
          window.location.assign(root() + "/login");
        } else if (!answer.ok) {
          return answer.json().then(function (body) {
            showBanner(body.error);
          });
        }
      })
      .catch(function () {
        showBanner("");
      })
      .then(function () {
        button.disabled = false;
        window.dash_clientside.set_props("tick", { n_intervals: -Date.now() });
      });
  });

  function showBanner(text) {
    const banner = document.getElementById("offline");
    banner.textContent = text || banner.dataset.text;
    banner.hidden = false;
  }

  document.addEventListener("visibilitychange", function () {
    lastAnswer = Date.now(); // a hidden tab gets no figures: that is not a lost connection
  });
  window.setInterval(checkConnection, 5000);
})();
