import tseslint from "typescript-eslint";

/** Folders that run unchanged under Node.js and in a browser. */
const core = [
  "clock",
  "machine",
  "host",
  "storage",
  "guest",
  "carry-over",
  "process",
  "reboot",
].map((folder) => `src/${folder}/**/*.ts`);

export default tseslint.config(
  { ignores: ["dist", "runs", "results", "coverage", "node_modules"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    files: core,
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { group: ["node:*"], message: "The core knows neither Node.js nor the DOM." },
            {
              group: ["**/node/*", "**/cli/*", "**/images/*", "**/experiment/*", "**/bench/*"],
              message: "Imports go one way: the core does not know what is built on it.",
            },
          ],
        },
      ],
      "no-restricted-globals": [
        "error",
        { name: "process", message: "The core knows neither Node.js nor the DOM." },
        { name: "Buffer", message: "Use Uint8Array: the core does not know Node.js." },
        { name: "window", message: "The core knows neither Node.js nor the DOM." },
        { name: "document", message: "The core knows neither Node.js nor the DOM." },
        { name: "setTimeout", message: "Time in the core is virtual: wait on the clock." },
      ],
    },
  },
);
