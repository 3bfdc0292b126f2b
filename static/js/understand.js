// What a sentence is understood to mean, while it is typed.
const PAUSE = 350;

export function understand(field) {
  const said = document.getElementById("understood");
  const token = field.form.elements.csrf_token.value;
  let timer, asked = 0;

  async function ask() {
    const text = field.value.trim(), turn = ++asked;
    if (!text) return show("");
    try {
      const answer = await fetch("/api/v1/alerts/parse", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ text }),
      });
      if (turn === asked) show(answer.ok ? (await answer.json()).sentence : "");
    } catch { show(""); }
  }

  function show(sentence) {
    said.replaceChildren();
    if (!sentence) return;
    const strong = document.createElement("strong");
    strong.textContent = sentence;
    said.append("Understood: ", strong);
  }

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
}
