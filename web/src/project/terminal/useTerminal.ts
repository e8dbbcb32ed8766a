// Joins an xterm.js screen to a terminal session.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { type Connection, type Ending, type Size, type TerminalState, TerminalSocket, terminalUrl } from "../../api";

/** The one session that all clients of a project share by default. */
const SHARED_SESSION = "main";
/** Lines that can be scrolled back to; the runtime keeps its own ring. */
const SCROLLBACK_LINES = 10_000;

const THEME = {
  background: "#10181d",
  foreground: "#dfe7ea",
  cursor: "#4cc0cc",
  selectionBackground: "#2d5a63",
  black: "#22303a",
  red: "#ff8f86",
  green: "#5fd39a",
  yellow: "#f0b95b",
  blue: "#7fb2f0",
  magenta: "#d7a1ea",
  cyan: "#6fd3dc",
  white: "#dfe7ea",
  brightBlack: "#7a8b96",
};

export function useTerminal(element: RefObject<HTMLElement | null>, project: string, isShown: boolean) {
  const [connection, setConnection] = useState<Connection>("connecting");
  const [state, setState] = useState<TerminalState | null>(null);
  const [ending, setEnding] = useState<Ending | null>(null);
  const [round, setRound] = useState(0);
  const parts = useRef<{ fit: () => void; focus: () => void; retryNow: () => void } | null>(null);

  useEffect(() => {
    if (!element.current) return;
    const terminal = newTerminal();
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element.current);
    const refit = () => element.current?.offsetParent && fit.fit();
    refit();
    const urlOf = (size: Size, since: number | null, id: string | null, client: string) =>
      terminalUrl(project, SHARED_SESSION, size, since, id, client);
    const socket = new TerminalSocket(urlOf, terminal, {
      onOutput: (bytes, consumed) => terminal.write(bytes, consumed),
      onConnection: (state) => {
        setConnection(state);
        if (state === "open") setEnding(null);
      },
      onEnding: setEnding,
      onState: setState,
      onSkipped: (bytes) => terminal.write(`\r\n\x1b[33m[${bytes} bytes of output were skipped]\x1b[0m\r\n`),
      onReset: () => terminal.reset(),
    });
    terminal.onData((keys) => {
      // Bells beat silence: keys beyond what can be held would be lost unseen.
      if (!socket.type(keys)) terminal.write("\x07");
    });
    terminal.onResize((size) => socket.resize(size));
    const observer = new ResizeObserver(refit);
    observer.observe(element.current);
    parts.current = { fit: refit, focus: () => terminal.focus(), retryNow: () => socket.retryNow() };
    const online = () => socket.retryNow();
    window.addEventListener("online", online);
    socket.start();
    return () => {
      window.removeEventListener("online", online);
      parts.current = null;
      observer.disconnect();
      socket.stop();
      terminal.dispose();
    };
  }, [element, project, round]);

  useEffect(() => {
    if (!isShown) return;
    parts.current?.fit();
    parts.current?.focus();
  }, [isShown]);

  return {
    connection,
    state,
    ending,
    retryNow: useCallback(() => parts.current?.retryNow(), []),
    startAgain: useCallback(() => {
      setState(null);
      setEnding(null);
      setRound((before) => before + 1);
    }, []),
  };
}

function newTerminal(): Terminal {
  const mono = getComputedStyle(document.documentElement).getPropertyValue("--mono");
  return new Terminal({
    cursorBlink: true,
    fontFamily: mono || "monospace",
    fontSize: 13,
    lineHeight: 1.2,
    scrollback: SCROLLBACK_LINES,
    theme: THEME,
  });
}
