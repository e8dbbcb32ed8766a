// Reports: which there are, what they are asked for, and the page that each one writes, in a frame that runs nothing.
import { Download, FileChartColumn, RotateCw } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { NavLink, Navigate, useParams } from "react-router";
import { type Report, type ReportFormat, reportUrl } from "../api";
import { useReport, useReports } from "../state/operationQueries";
import { Button } from "../ui/Button";
import button from "../ui/Button.module.css";
import { Empty, ErrorNotice, Notice } from "../ui/Notice";
import { Field } from "../ui/Sheet";
import { Loading } from "../ui/Spinner";
import styles from "./ReportsView.module.css";

export function ReportsView() {
  const { report: name } = useParams();
  const reports = useReports();
  if (reports.error) return <ErrorNotice error={reports.error} onRetry={() => void reports.refetch()} />;
  if (!reports.data) return <Loading what="Asking for the reports…" />;
  const [first] = reports.data;
  if (!first) {
    return (
      <Empty icon={FileChartColumn} title="There is no report">
        Reports are plugins. Enable one, or install one with lockhouse plugin install.
      </Empty>
    );
  }
  if (!name) return <Navigate to={first.name} replace />;
  const report = reports.data.find((each) => each.name === name);
  return (
    <div className={styles.view}>
      <nav className={styles.list} aria-label="Reports">
        {reports.data.map((each) => (
          <NavLink key={each.name} to={`../reports/${each.name}`} title={`By ${each.plugin}`}>
            <strong>{each.title}</strong>
            <span>{each.summary}</span>
          </NavLink>
        ))}
      </nav>
      {report ? <Shown key={report.name} report={report} /> : <NoSuch name={name} />}
    </div>
  );
}

function NoSuch({ name }: { name: string }) {
  return (
    <div className={styles.content}>
      <Notice tone="warn" title={`There is no report named ${name}`}>
        Its plugin may be disabled. Choose another one.
      </Notice>
    </div>
  );
}

const DOWNLOADS: readonly { format: ReportFormat; label: string }[] = [
  { format: "csv", label: "CSV" },
  { format: "markdown", label: "Markdown" },
  { format: "json", label: "JSON" },
];

function Shown({ report }: { report: Report }) {
  const [given, setGiven] = useState<Readonly<Record<string, string>>>({});
  const page = useReport(report.name, given);
  return (
    <section className={styles.content} aria-label={report.title}>
      <div className={styles.bar}>
        <Parameters report={report} isBusy={page.isFetching} onWrite={(next) => (same(next, given) ? void page.refetch() : setGiven(next))} />
        <div className={styles.downloads} role="group" aria-label="Download">
          {DOWNLOADS.map(({ format, label }) => (
            <a
              key={format}
              className={button.button}
              href={reportUrl(report.name, format, given)}
              download={`${report.name}.${format === "markdown" ? "md" : format}`}
              aria-label={`Download as ${label}`}
            >
              <Download size={14} aria-hidden="true" /> {label}
            </a>
          ))}
        </div>
      </div>
      {page.error && <ErrorNotice error={page.error} onRetry={() => void page.refetch()} />}
      {page.isPending && <Loading what="The report is written…" />}
      {page.data !== undefined && !page.error && <iframe title={`Report: ${report.title}`} sandbox="" srcDoc={page.data} />}
    </section>
  );
}

const same = (one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

interface ParametersProps {
  report: Report;
  isBusy: boolean;
  onWrite: (given: Readonly<Record<string, string>>) => void;
}

function Parameters({ report, isBusy, onWrite }: ParametersProps) {
  const [given, setGiven] = useState<Readonly<Record<string, string>>>({});
  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    onWrite(given);
  }
  return (
    <form className={styles.parameters} onSubmit={onSubmit} aria-label="What the report tells">
      {report.parameters.map(({ name, description, default: usual }) => (
        <Field
          key={name}
          label={name}
          title={description}
          placeholder={usual || "all"}
          value={given[name] ?? ""}
          onChange={(event) => setGiven({ ...given, [name]: event.target.value })}
        />
      ))}
      <Button type="submit" icon={RotateCw} isBusy={isBusy}>
        Write
      </Button>
    </form>
  );
}
