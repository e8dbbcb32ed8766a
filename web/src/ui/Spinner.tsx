// Something is under way.
import styles from "./Spinner.module.css";

export const Spinner = () => <span className={styles.spinner} aria-hidden="true" />;

/** A whole pane that waits. */
export function Loading({ what }: { what: string }) {
  return (
    <p className={styles.loading} role="status">
      <Spinner /> {what}
    </p>
  );
}
