// Output that grows: it stays at its end unless the reader scrolled away from it.
import { useLayoutEffect, useRef } from "react";
import styles from "./OutputTail.module.css";

/** Within this distance of the end the reader is taken to be at the end. */
const NEAR_END_PX = 32;

export function OutputTail({ text, placeholder, label = "Output" }: { text: string; placeholder: string; label?: string }) {
  const element = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const pre = element.current;
    if (pre && isAtEnd.current) pre.scrollTop = pre.scrollHeight;
  }, [text]);
  function onScroll() {
    const pre = element.current;
    if (pre) isAtEnd.current = pre.scrollHeight - pre.scrollTop - pre.clientHeight < NEAR_END_PX;
  }
  return (
    <pre ref={element} className={styles.output} tabIndex={0} role="log" aria-label={label} onScroll={onScroll}>
      {text || <span className={styles.placeholder}>{placeholder}</span>}
    </pre>
  );
}
