// A panel of facts that scrolls: sections with headings, tables, and fields with labels.
import type { InputHTMLAttributes, ReactNode } from "react";
import styles from "./Sheet.module.css";

/** Its own scrolling can be reached by the keyboard. */
export function Sheet({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={styles.sheet} role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

interface SectionProps {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Section({ title, about, actions, children }: SectionProps) {
  return (
    <section className={styles.section} aria-label={title}>
      <header>
        <h3>{title}</h3>
        {about && <p>{about}</p>}
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** A table that is wider than its place scrolls by itself. */
export function Table({ label, columns, children }: { label: string; columns: readonly string[]; children: ReactNode }) {
  return (
    <div className={styles.scroll} role="group" aria-label={label} tabIndex={0}>
      <table className={styles.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column.startsWith("·") ? <span className="visually-hidden">{column.slice(1)}</span> : column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string | undefined;
  fault?: string | null;
}

export function Field({ label, hint, fault = null, id, ...rest }: FieldProps) {
  const about = fault ?? hint;
  return (
    <label className={styles.field}>
      <span>{label}</span>
      <input id={id} spellCheck={false} autoComplete="off" aria-invalid={fault !== null} {...rest} />
      {about && <small className={fault ? styles.fault : undefined}>{about}</small>}
    </label>
  );
}

/** A word that says what something is, with its meaning for who asks. */
export function Tag({ tone = "still", title, children }: { tone?: "good" | "warn" | "bad" | "still"; title?: string; children: ReactNode }) {
  return (
    <span className={`${styles.tag} ${styles[tone]}`} title={title}>
      {children}
    </span>
  );
}
