// On the way in: a password can be looked at while it is typed.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const words = { password: button.textContent, text: button.dataset.hide };
  const show = (type) => {
    field.type = type;
    button.textContent = words[type];
    button.setAttribute("aria-pressed", String(type === "text"));
  };
  button.addEventListener("click", () => { show(field.type === "password" ? "text" : "password"); field.focus(); });
  field.form.addEventListener("submit", () => show("password"));
  button.hidden = false;
}
