//! The frame of the page: its head, its style, and pieces that recur.

use super::text::escape;
use std::fmt::Write;

/// Nothing may be fetched or run, whatever stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("page.css");

/// A page under way.
pub struct Page {
    html: String,
    ids: usize,
}

impl Page {
    /// A page with this title.
    pub fn new(title: &str) -> Page {
        let title = escape(title);
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta \
             http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        Page { html, ids: 0 }
    }

    /// Adds markup that is safe already.
    pub fn markup(&mut self, markup: &str) {
        self.html.push_str(markup);
        self.html.push('\n');
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.markup(&format!("<p>{}</p>", escape(text)));
    }

    /// Adds a heading of level 2 or 3.
    pub fn heading(&mut self, level: u8, text: &str) {
        self.markup(&format!("<h{level}>{}</h{level}>", escape(text)));
    }

    /// Adds a list.
    pub fn list(&mut self, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.markup("<ul>");
        items.iter().for_each(|item| self.markup(&format!("<li>{}</li>", escape(item))));
        self.markup("</ul>");
    }

    /// Adds a table of text. The first column heads its row; the others stand to the right if `numbers`.
    /// Cells that begin with `MARK` are set off.
    pub fn table(&mut self, caption: &str, head: &[String], rows: &[Vec<String>], numbers: bool) {
        let caption = escape(caption);
        let mut html = format!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table{}><caption><span>{caption}</span></caption><thead><tr>",
            if numbers { " class=\"n\"" } else { "" }
        );
        for cell in head {
            let _ = write!(html, "<th scope=\"col\">{}</th>", escape(cell));
        }
        html.push_str("</tr></thead><tbody>");
        for row in rows {
            html.push_str("\n<tr>");
            for (index, cell) in row.iter().enumerate() {
                let marked = cell.strip_prefix(MARK);
                let text = escape(marked.unwrap_or(cell));
                let _ = match (index, marked) {
                    (0, _) => write!(html, "<th scope=\"row\">{text}</th>"),
                    (_, Some(_)) => write!(html, "<td><strong>{text}</strong></td>"),
                    (_, None) => write!(html, "<td>{text}</td>"),
                };
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>");
        self.markup(&html);
    }

    /// An id that nothing else on the page has.
    pub fn id(&mut self) -> String {
        self.ids += 1;
        format!("c{}", self.ids)
    }

    /// The page as text.
    pub fn finish(mut self) -> String {
        self.html.push_str("</main>\n</body>\n</html>\n");
        self.html
    }
}

/// In front of the text of a cell that is to be set off.
pub const MARK: char = '\u{1}';
