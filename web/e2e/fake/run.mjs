// A run that writes the same small project whatever the prompt says, at a pace the eye can follow.
import { Stream, announce, runs, setStatus, soon } from "./state.mjs";
import { startProcess } from "./runtime.mjs";

const FILES = {
  "app.py": `"""A todo API."""
from flask import Flask, jsonify, request

app = Flask(__name__)
TODOS: list[dict] = []


@app.get("/")
def index():
    return "<h1>Todo API</h1><p>Try <a href='/todos'>/todos</a>.</p>"


@app.get("/todos")
def list_todos():
    return jsonify(TODOS)


@app.post("/todos")
def create_todo():
    todo = {"id": len(TODOS) + 1, "title": request.json["title"], "done": False}
    TODOS.append(todo)
    return jsonify(todo), 201


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=5000)
`,
  "requirements.txt": "flask>=3\npytest>=8\n",
  "README.md": "# Todo API\n\nA small **Flask** API with tests.\n\n```\npytest -q\n```\n",
  "tests/test_app.py": `from app import app


def test_a_created_todo_is_listed():
    client = app.test_client()
    client.post("/todos", json={"title": "milk"})
    assert client.get("/todos").json[0]["title"] == "milk"
`,
  "tests/__init__.py": "",
  "static/style.css": "body {\n  font-family: sans-serif;\n}\n",
  "templates/index.html": "<!doctype html>\n<title>Todo</title>\n<h1>Todo</h1>\n",
  "config.json": '{ "debug": false, "port": 5000 }\n',
};

export function startRun(project, prompt) {
  const run = { id: `run-${runs.size + 1}`, project: project.name, prompt, state: "planning", stream: new Stream() };
  runs.set(run.id, run);
  const names = Object.keys(FILES);
  const fails = prompt.includes("fail");
  const state = (name, message, rest = {}) => () => {
    run.state = name;
    run.stream.emit({ type: "state", state: name, message, ...rest });
    announce({ type: "run", project: project.name, run_id: run.id, state: name });
  };
  const output = (data) => () => run.stream.emit({ type: "output", stream: "stdout", data });
  const steps = [
    state("planning", "The planner reads the prompt"),
    state("planned", `${names.length} files: a Flask API with an in-memory store`),
    ...names.flatMap((file, index) => [
      state("writing", `Writing ${file}`, { done: index, total: names.length }),
      () => {
        project.files.set(file, Buffer.from(FILES[file]));
        run.stream.emit({ type: "file", path: file });
        announce({ type: "file", project: project.name, path: file });
      },
    ]),
    state("installing", "pip install -r requirements.txt"),
    () => setStatus(project, "creating"),
    output("Collecting flask>=3\n  Downloading flask-3.1.2-py3-none-any.whl (103 kB)\n"),
    () => setStatus(project, "running"),
    output("Collecting pytest>=8\n\u001b[32mSuccessfully installed flask-3.1.2 pytest-8.4.2\u001b[0m\n"),
    ...(fails
      ? [
          output("$ pytest -q\nF\nE   AssertionError: 'bread' != 'milk'\n1 failed in 0.12s\n"),
          () => {
            run.state = "failed";
            run.stream.emit({ type: "failed", error: "The tests failed: 1 of 1. The fixer gave up after 3 attempts." });
            run.stream.end();
          },
        ]
      : [
          output("$ pytest -q\n.                                             [100%]\n1 passed in 0.12s\n"),
          state("starting", "python app.py"),
          () => startProcess(project, { command: "python app.py", port: 5000 }),
          state("checking", "Waiting for an answer on port 5000"),
          output("GET / answered 200 in 4 ms\n"),
          state("done", "The project runs"),
          () => {
            run.stream.emit({ type: "done", preview_url: `/api/v1/preview/${project.name}/` });
            run.stream.end();
          },
        ]),
  ];
  const pace = Number(process.env.FAKE_PACE_MS ?? 150);
  steps.forEach((step, index) => soon(pace * (index + 1), step));
  return run;
}
