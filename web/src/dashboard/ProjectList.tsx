// The user's projects with the live states of their runtimes.
import { FolderGit2 } from "lucide-react";
import { Link } from "react-router";
import type { Project } from "../api";
import { RuntimeButtons } from "../project/RuntimeButtons";
import { useActiveRuns, useProjects } from "../state/queries";
import { Empty, ErrorNotice, Notice } from "../ui/Notice";
import { Loading } from "../ui/Spinner";
import { StatusBadge } from "../ui/StatusBadge";
import styles from "./ProjectList.module.css";

export function ProjectList() {
  const projects = useProjects();
  return (
    <section className={styles.section} aria-labelledby="projects-heading">
      <h2 id="projects-heading">Projects</h2>
      {projects.isPending && <Loading what="Loading projects…" />}
      {projects.isError && <ErrorNotice error={projects.error} onRetry={() => void projects.refetch()} />}
      {projects.data?.projects.length === 0 && (
        <Empty icon={FolderGit2} title="No projects yet">
          Say above what you want; it is planned, written, installed, tested and started for you.
        </Empty>
      )}
      {projects.data && projects.data.projects.length > 0 && (
        <ul className={styles.list}>
          {projects.data.projects.map((project) => (
            <Row key={project.id} project={project} />
          ))}
        </ul>
      )}
      {projects.data?.next_cursor && (
        <Notice title={`The first ${projects.data.projects.length} projects are shown`}>
          Open another one by its address: /projects/name.
        </Notice>
      )}
    </section>
  );
}

function Row({ project }: { project: Project }) {
  const active = useActiveRuns()[project.name];
  return (
    <li className={styles.row} data-project={project.name}>
      <Link to={`/projects/${project.name}`} className={styles.name}>
        {project.name}
      </Link>
      <span className={styles.about}>
        {project.kind ?? "no kind yet"} · <time dateTime={project.created_at}>{dateOf(project.created_at)}</time>
      </span>
      {active ? (
        <Link to={`/projects/${project.name}/runs/${active.run}`} className={styles.run} title="See the run">
          <StatusBadge status="building" label={active.state} />
        </Link>
      ) : (
        <StatusBadge status={project.runtime?.status ?? "absent"} reason={project.runtime?.reason} />
      )}
      <RuntimeButtons project={project} />
    </li>
  );
}

function dateOf(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
