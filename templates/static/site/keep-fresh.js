// A page whose regions stay current: <… data-region data-seconds="5">.

import { keepFresh } from "./regions.js";

keepFresh(Number(document.querySelector("[data-seconds]").dataset.seconds));
