// Reports, for administrators.
import { bounded, call, path } from "./http";
import type { Page } from "./types";

export interface ReportParameter {
  name: string;
  description: string;
  /** What counts where nothing is given. */
  default: string;
}

export interface Report {
  name: string;
  /** The plugin that writes it, with its version. */
  plugin: string;
  title: string;
  summary: string;
  parameters: ReportParameter[];
}

export type ReportFormat = "html" | "csv" | "markdown" | "json";

export async function listReports(): Promise<Report[]> {
  const { reports } = await call<Page & { reports: Report[] }>(path("admin", "reports"));
  return reports;
}

/** Where a report is; parameters without a value are left to the report. */
export function reportUrl(name: string, format: ReportFormat, given: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams({ format });
  for (const [parameter, value] of Object.entries(given)) {
    if (value.trim()) query.append("param", `${parameter}=${value.trim()}`);
  }
  return `${path("admin", "reports", name)}?${query.toString()}`;
}

/** The report as a page; what is refused is an error like any, which a frame could not tell. */
export async function readReport(name: string, given: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string> {
  const answer = await bounded(reportUrl(name, "html", given), { headers: { accept: "text/html" }, signal });
  return answer.text();
}
