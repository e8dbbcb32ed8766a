// A file in the form that suits it: text to edit, a picture to see, anything else to download.
import { Download, FileQuestion } from "lucide-react";
import { useCallback } from "react";
import { MAX_EDITABLE_BYTES, contentUrl } from "../../api";
import { useContent } from "../../state/queries";
import button from "../../ui/Button.module.css";
import { Empty, ErrorNotice } from "../../ui/Notice";
import { Loading } from "../../ui/Spinner";
import styles from "./Editor.module.css";
import { TextEditor } from "./TextEditor";

interface FileViewProps {
  project: string;
  file: string;
  isShown: boolean;
  isChanged: boolean;
  onMark: (file: string, isChanged: boolean) => void;
}

const PICTURE = /\.(png|jpe?g|gif|webp|avif|ico|bmp)$/i;

export function FileView({ project, file, isShown, isChanged, onMark }: FileViewProps) {
  const content = useContent(project, file);
  const mark = useCallback((changed: boolean) => onMark(file, changed), [onMark, file]);
  // Edits outlive a failed re-read: the editor stays once it was there.
  if (!content.data) {
    if (content.isError) return <ErrorNotice error={content.error} onRetry={() => void content.refetch()} />;
    return <Loading what={`Opening ${file}…`} />;
  }
  if (content.data.type === "text") {
    const shared = { project, file, isShown, isChanged };
    return <TextEditor {...shared} content={content.data} onMark={mark} />;
  }
  const url = contentUrl(project, file);
  if (content.data.type === "binary" && PICTURE.test(file)) {
    return (
      <div className={styles.picture}>
        <img src={url} alt={file} />
      </div>
    );
  }
  return (
    <Empty icon={FileQuestion} title={content.data.type === "large" ? "Too large to edit here" : "Not a text file"}>
      <p>
        {file}{content.data.size !== null && `, ${sizeOf(content.data.size)}`}
        {content.data.type === "large" && ` (the editor takes up to ${sizeOf(MAX_EDITABLE_BYTES)})`}
      </p>
      <a className={button.button} href={url} download={file.slice(file.lastIndexOf("/") + 1)}>
        <Download size={16} aria-hidden="true" /> Download
      </a>
    </Empty>
  );
}

function sizeOf(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ""}`;
}
