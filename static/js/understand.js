// What a sentence is understood to mean, while it is typed.
const PAUSE = 350;

// A field that takes symbols and companies, too, holds a sentence once there is a number in it.
const maySay = (field) => !("suggest" in field.dataset) || /\s.*\d/.test(field.value);

export function understand(field) {
  const said = document.getElementById("understood");
  const token = field.form.elements.csrf_token.value;
  let timer, asked = 0;

  async function ask() {
    const turn = ++asked;
    if (!maySay(field)) return said.replaceChildren();
    const answer = await fetch("/api/v1/alerts/parse", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ text: field.value }),
    }).catch(() => ({ ok: false }));
    const sentence = answer.ok && (await answer.json()).told;
    if (turn === asked) said.textContent = sentence ? said.dataset.said.replace("{sentence}", () => sentence) : "";
  }

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
}
