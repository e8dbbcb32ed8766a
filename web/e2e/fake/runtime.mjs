// The fake's runtime: a process that prints, and a real shell in a real PTY (by util-linux's `script`).
import { spawn } from "node:child_process";
import { Stream, announce, soon } from "./state.mjs";

export function startProcess(project, { command, port }) {
  stopProcess(project);
  project.log = new Stream();
  project.process = { command, port: port ?? null, status: "running", pid: 17, started_at: new Date().toISOString(), exit_code: null };
  project.log.emit({ type: "stdout", data: ` * Serving Flask app 'app'\n * Running on http://127.0.0.1:${port}\n` });
  announce({ type: "process", project: project.name, status: "running" });
  return project.process;
}

export function stopProcess(project) {
  if (project.process?.status !== "running") return;
  project.process = { ...project.process, status: "exited", exit_code: 0 };
  project.log.emit({ type: "stdout", data: "Shutting down\n" });
  announce({ type: "process", project: project.name, status: "exited" });
}

export function logRequest(project, line) {
  project.log.emit({ type: "stderr", data: `127.0.0.1 - - "${line}" 200 -\n` });
}

/** A shell session that remembers all it printed, so that clients may come and go. */
export class FakeTerminal {
  output = Buffer.alloc(0);
  clients = new Set();
  exit = null;
  acked = 0;
  id = `pty-${Math.random().toString(36).slice(2)}`;

  constructor(root, { cols, rows }) {
    const script = `stty cols ${cols} rows ${rows}; cd ${root}; PS1='\\[\\e[36m\\]/workspace\\[\\e[0m\\] $ ' exec bash --norc -i`;
    this.shell = spawn("script", ["-qfc", script, "/dev/null"], { env: { ...process.env, TERM: "xterm-256color" } });
    this.shell.stdout.on("data", (bytes) => this.#print(bytes));
    this.shell.on("exit", (code) => {
      this.exit = code ?? 1;
      this.tell();
      for (const client of this.clients) client.close(4000, `the shell ended with exit code ${this.exit}`);
    });
  }

  #print(bytes) {
    const sequence = this.output.length;
    this.output = Buffer.concat([this.output, bytes]);
    for (const client of this.clients) client.send(outputFrame(sequence, bytes));
  }

  join(socket, since) {
    this.clients.add(socket);
    this.tell();
    const from = Math.min(since ?? 0, this.output.length);
    if (from < this.output.length) socket.send(outputFrame(from, this.output.subarray(from)));
    socket.on("message", (bytes) => this.#take(socket, Buffer.from(bytes)));
    socket.on("close", () => {
      this.clients.delete(socket);
      this.tell();
    });
  }

  #take(socket, bytes) {
    if (bytes[0] === 0) this.shell.stdin.write(bytes.subarray(1));
    else if (bytes[0] === 2) this.acked = Number(bytes.readBigUInt64BE(1));
    else if (bytes[0] === 3) socket.send(Buffer.of(3));
  }

  tell() {
    const state = { session: "main", id: this.id, clients: this.clients.size, title: null, cwd: "/workspace", exit: this.exit };
    const frame = Buffer.concat([Buffer.of(1), Buffer.from(JSON.stringify(state))]);
    for (const client of this.clients) client.send(frame);
  }

  end() {
    for (const client of this.clients) client.close();
    this.shell.kill();
  }
}

function outputFrame(sequence, bytes) {
  const head = Buffer.alloc(9);
  head.writeBigUInt64BE(BigInt(sequence), 1);
  return Buffer.concat([head, bytes]);
}

export function openTerminal(project, size) {
  if (!project.terminal || project.terminal.exit !== null) project.terminal = new FakeTerminal(project.root, size);
  return project.terminal;
}

export function closeTerminal(project) {
  project.terminal?.end();
  project.terminal = null;
}

/** Runs a command on this machine for a few known words only; everything else is told to be unknown. */
export function fakeExec(command, send, done) {
  const known = { "pytest -q": [".                                  [100%]\n1 passed in 0.10s\n", 0], ls: ["README.md\napp.py\ntests\n", 0] };
  const [output, code] = known[command] ?? [`sh: ${command.split(" ")[0]}: not found\n`, 127];
  send({ type: "status", data: `Executing: ${command}` });
  soon(300, () => {
    send({ type: code === 0 ? "stdout" : "stderr", data: output });
    send({ type: "exit", data: code, success: code === 0, duration_ms: 302 });
    done();
  });
}
