// One study: nothing but what every page does.

import "./app.js";
