// The view of a report about two models: all that a report of one model has, and the drawing of both.

import { mountDiff } from "./diff-view.js";
import { adopt, MOUNTS, render } from "./export.js";

MOUNTS.diff = mountDiff;

export default { render, adopt };
