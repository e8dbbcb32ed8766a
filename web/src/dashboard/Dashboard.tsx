// The first screen: what shall be built, and what there is.
import { AppBar } from "../ui/AppBar";
import styles from "./Dashboard.module.css";
import { ProjectList } from "./ProjectList";
import { PromptBox } from "./PromptBox";

export function Dashboard() {
  return (
    <div className={styles.page}>
      <title>Lockhouse</title>
      <AppBar />
      <main className={styles.main}>
        <h1>What shall we build?</h1>
        <PromptBox />
        <ProjectList />
      </main>
    </div>
  );
}
