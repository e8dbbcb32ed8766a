// Two panes with a bar between them that the mouse or the arrow keys move. Its place is kept in the browser.
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import styles from "./Splitter.module.css";

interface SplitterProps {
  /** Under this name the place is kept. */
  name: string;
  direction: "row" | "column";
  /** The first pane's share, in percent, until the user moves the bar. */
  initial: number;
  least?: number;
  most?: number;
  /** The one pane that is seen; the other stays alive behind it. */
  only?: "first" | "second" | null;
  first: ReactNode;
  second: ReactNode;
}

const STEP_PERCENT = 2;
const keyOf = (name: string) => `lockhouse.splitter.${name}`;

export function Splitter({ name, direction, initial, least = 10, most = 90, only = null, first, second }: SplitterProps) {
  const container = useRef<HTMLDivElement>(null);
  const [share, setShare] = useState(() => clamp(Number(localStorage.getItem(keyOf(name)) ?? initial) || initial));
  const [isMoving, setMoving] = useState(false);

  function clamp(percent: number): number {
    return Math.min(most, Math.max(least, percent));
  }
  function place(percent: number): void {
    setShare(clamp(percent));
    localStorage.setItem(keyOf(name), clamp(percent).toFixed(1));
  }
  function onPointerMove(event: PointerEvent): void {
    const box = container.current?.getBoundingClientRect();
    if (!isMoving || !box) return;
    const part = direction === "row" ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height;
    place(part * 100);
  }
  function onKeyDown(event: KeyboardEvent): void {
    const [less, more] = direction === "row" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    if (event.key !== less && event.key !== more) return;
    event.preventDefault();
    place(share + (event.key === more ? STEP_PERCENT : -STEP_PERCENT));
  }

  return (
    <div ref={container} className={`${styles.splitter} ${styles[direction]} ${isMoving ? styles.moving : ""}`}>
      <div className={styles.pane} hidden={only === "second"} style={{ flexBasis: only ? "100%" : `${share}%` }}>
        {first}
      </div>
      <div
        role="separator"
        hidden={only !== null}
        tabIndex={0}
        aria-label={`Resize ${name}`}
        aria-orientation={direction === "row" ? "vertical" : "horizontal"}
        aria-valuenow={Math.round(share)}
        aria-valuemin={least}
        aria-valuemax={most}
        className={styles.bar}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setMoving(true);
        }}
        onPointerMove={onPointerMove}
        onLostPointerCapture={() => setMoving(false)}
      />
      <div className={`${styles.pane} ${styles.rest}`} hidden={only === "first"}>
        {second}
      </div>
    </div>
  );
}
