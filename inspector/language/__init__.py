"""InspectionReport -> text people read."""

from inspector.language.author import ReportAuthor
from inspector.language.glossary import DEFAULT_GLOSSARY, Glossary
from inspector.language.template import TemplateWriter

__all__ = ["DEFAULT_GLOSSARY", "Glossary", "ReportAuthor", "TemplateWriter"]
