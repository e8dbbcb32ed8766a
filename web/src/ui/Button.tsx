// The one button.
import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes } from "react";
import styles from "./Button.module.css";
import { Spinner } from "./Spinner";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "plain" | "primary" | "danger" | "quiet";
  icon?: LucideIcon;
  /** Shows that what the button started is under way. */
  isBusy?: boolean;
}

export function Button({ look = "plain", icon: Icon, isBusy = false, children, className, ...rest }: ButtonProps) {
  const isIconOnly = children === undefined;
  const classes = [styles.button, styles[look], isIconOnly && styles.iconOnly, className].filter(Boolean).join(" ");
  return (
    <button type="button" className={classes} aria-busy={isBusy} {...rest} disabled={rest.disabled === true || isBusy}>
      {isBusy ? <Spinner /> : Icon && <Icon size={16} aria-hidden="true" />}
      {children}
    </button>
  );
}
