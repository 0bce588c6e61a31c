// One function a form; render.cpp lists them.
// SPDX-License-Identifier: MIT
#pragma once

#include "reports/render/render.h"

namespace pipewrench {

Rendered render_html(const Records& records, const RenderOptions& options);
Rendered render_text(const Records& records, const RenderOptions& options);
Rendered render_sarif(const Records& records, const RenderOptions& options);
Rendered render_junit(const Records& records, const RenderOptions& options);
Rendered render_casrep(const Records& records, const RenderOptions& options);
Rendered render_github(const Records& records, const RenderOptions& options);
Rendered render_json(const Records& records, const RenderOptions& options);
Rendered render_perfetto(const Records& records, const RenderOptions& options);

}  // namespace pipewrench
