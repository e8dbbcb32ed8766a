// The page and its style, from the words of a prompt.

const MAX_TITLE_WORDS = 6;

// The prompt's first words, the first of them with a capital letter.
export function title(prompt) {
  const words = prompt.trim().split(/\s+/).slice(0, MAX_TITLE_WORDS).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1).replace(/[.,;:]+$/, "");
}

export function page(prompt) {
  const paragraphs = prompt.trim().split(/\n\s*\n/).map((text) => `    <p>${escaped(text)}</p>`);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escaped(title(prompt))}</title>
    <link rel="stylesheet" href="style.css">
  </head>
  <body>
    <h1>${escaped(title(prompt))}</h1>
${paragraphs.join("\n")}
  </body>
</html>
`;
}

export function style() {
  return `:root { color-scheme: light dark; }
body { font: 1.1rem/1.6 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem; }
h1 { line-height: 1.2; }
`;
}

// A prompt is text, whatever it contains.
function escaped(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (c) => names[c]);
}
