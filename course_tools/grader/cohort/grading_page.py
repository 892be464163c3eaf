"""nbgrader's formgrader as a Jupyter server's extension, with nothing on it that would trust a student.

What a student wrote is shown through `rendering`. The page's own scripts run by a nonce that nobody who hands in can
know, and no other script does. What would run or delete a submission, outside the jail, is not served.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, pass_context
from jinja2.runtime import Context
from jupyter_server.utils import url_path_join
from nbgrader.server_extensions.formgrader import apihandlers, handlers
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
from tornado import web

from course_tools.grader.cohort import rendering

# Paths that are not served: they start nbgrader's own steps, without a jail, or lead to the buttons that do.
REFUSED = re.compile(
    r"/(assign|unrelease|release|collect|autograde|generate_feedback|release_feedback)$|/manage_assignments|"
    r"/manage_submissions|^/formgrader/\?$"
)
NO_MATHJAX = "{%- macro mathjax(url='', config='') -%}{%- endmacro -%}"  # formulas need no script: see `rendering`
TO_ASSIGNMENTS = re.compile(r"<li[^>]*><a [^>]*/manage_assignments\">[^<]*</a></li>")
TO_LIVE_NOTEBOOK = re.compile(
    r'title="Open live notebook"\s*data-link="[^"]*"'
)  # its kernel would run outside the jail
HANDLER = re.compile(r'\son\w+="([^"]*)"')


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    page = GradingPage(parent=server)
    page.root_dir = server.root_dir
    page.log = server.log
    page.initialize([])
    page.init_tornado_settings(server.web_app)
    page.init_handlers(server.web_app)


class GradingPage(FormgradeExtension):
    """The extension: nbgrader's, with its templates, its answers' headers and its list of pages made safe."""

    def init_tornado_settings(self, webapp: Any) -> None:
        super().init_tornado_settings(webapp)
        nonce = secrets.token_urlsafe(16)
        exporter = webapp.settings["nbgrader_exporter"]
        for environment in (webapp.settings["nbgrader_jinja2_env"], exporter.environment):
            environment.loader = _Templates(environment.loader, nonce)
        exporter.register_filter("markdown2html", _markdown)
        headers = dict(webapp.settings.get("headers", {}))
        webapp.settings["headers"] = headers | {"Content-Security-Policy": policy(nonce)}

    def init_handlers(self, webapp: Any) -> None:
        base = webapp.settings["base_url"]
        served = [
            *(handler for handler in handlers.default_handlers if not REFUSED.search(handler[0])),
            *(handler for handler in apihandlers.default_handlers if not REFUSED.search(handler[0])),
            (r"/formgrader/static/(.*)", web.StaticFileHandler, {"path": handlers.static_path}),
            (r"/formgrader/?", web.RedirectHandler, {"url": url_path_join(base, "formgrader/gradebook")}),
            (r"/formgrader/.*", handlers.Template404),
        ]
        rules = [(url_path_join(base, path.lstrip("/")), *rest) for path, *rest in served]
        webapp.add_handlers(".*$", rules)


def policy(nonce: str) -> str:
    """The Content-Security-Policy of every page: scripts from this server's files, or with the nonce, and no others."""
    sources = [path.read_text(encoding="utf-8") for path in Path(handlers.template_path).rglob("*") if path.is_file()]
    own = sorted({handler for source in sources for handler in HANDLER.findall(source)})
    digests = [base64.b64encode(hashlib.sha256(handler.encode()).digest()).decode() for handler in own]
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"script-src-attr 'unsafe-hashes' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


class _Templates(BaseLoader):
    """nbgrader's templates, changed as they are read: what is put into them later gets no nonce."""

    def __init__(self, inner: BaseLoader, nonce: str) -> None:
        self.inner, self.nonce = inner, nonce

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, place, uptodate = self.inner.get_source(environment, template)
        if template == "mathjax.html.j2":
            return NO_MATHJAX, place, uptodate
        source = TO_ASSIGNMENTS.sub("", source)
        source = TO_LIVE_NOTEBOOK.sub("", source)
        return source.replace("<script", f'<script nonce="{self.nonce}"'), place, uptodate


@pass_context
def _markdown(context: Context, source: str) -> str:
    cell = context.get("cell") or {}
    return rendering.shown(source, cell.get("attachments"))
