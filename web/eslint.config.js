// The rules the sources are held to: strict types, and React's rules of hooks.
import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "node_modules"] },
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [js.configs.recommended, ...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      // The compiler that this rule speaks for is not used; refs are read in callbacks on purpose.
      "react-hooks/preserve-manual-memoization": "off",
      "max-lines": ["error", 250],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // One place speaks to the host; a component that fetches by itself would miss its error handling.
      "no-restricted-globals": [
        "error",
        { name: "fetch", message: "Use src/api." },
        { name: "WebSocket", message: "Use src/api." },
        { name: "EventSource", message: "Use src/api." },
      ],
    },
  },
  { files: ["src/**/*.test.ts"], rules: { "max-lines": ["error", 400] } },
  { files: ["src/api/**/*.ts"], rules: { "no-restricted-globals": "off" } },
  {
    files: ["**/*.{js,mjs}"],
    extends: [js.configs.recommended],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
);
