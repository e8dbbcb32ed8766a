// Whether the page hears from the host, for whoever shows it.
import { createContext, useContext } from "react";
import type { Liveness } from "./useHostEvents";

export const LivenessContext = createContext<Liveness>("connecting");
export const useLiveness = (): Liveness => useContext(LivenessContext);
