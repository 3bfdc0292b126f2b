// Without a connection: tells when the server answers again.
const ASK_MS = 10_000;

export function whenBack(act) {
  const ask = async () => {
    const answer = await fetch("/health", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) act();
  };
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  setInterval(() => document.hidden || ask(), ASK_MS);
}
