//! What the page is made of, as it lies in the program.

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is asked for.
    pub path: &'static str,
    /// What it is.
    pub kind: &'static str,
    /// All of it.
    pub bytes: &'static [u8],
}

/// The page itself.
pub const PAGE: Asset = Asset {
    path: "/",
    kind: "text/html; charset=utf-8",
    bytes: include_bytes!("assets/index.html"),
};

/// What it loads.
pub const ASSETS: &[Asset] = &[
    Asset {
        path: "/screen.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("assets/screen.css"),
    },
    Asset {
        path: "/screen.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/screen.js"),
    },
    Asset {
        path: "/panels.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/panels.js"),
    },
    Asset {
        path: "/dialogs.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/dialogs.js"),
    },
    Asset { path: "/icon.svg", kind: "image/svg+xml", bytes: include_bytes!("assets/icon.svg") },
    // https://www.npmjs.com/package/uplot/v/1.6.32, `dist/uPlot.iife.min.js` and `uPlot.min.css`.
    Asset {
        path: "/uplot.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/uplot.js"),
    },
    Asset {
        path: "/uplot.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("assets/uplot.css"),
    },
    Asset {
        path: "/uplot.LICENSE",
        kind: "text/plain; charset=utf-8",
        bytes: include_bytes!("assets/uplot.LICENSE"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A page that is opened over a slow line is there at once.
    #[test]
    fn all_of_it_is_small() {
        let all = ASSETS.iter().chain([&PAGE]).map(|asset| asset.bytes.len()).sum::<usize>();
        assert!(all <= 300_000, "{all} bytes");
    }

    #[test]
    fn nothing_of_it_comes_from_elsewhere() {
        for asset in ASSETS.iter().chain([&PAGE]) {
            let text = std::str::from_utf8(asset.bytes).expect("it is text");
            // The banner of uPlot says where it is from; a comment is not asked for.
            let text = text.replace("/*! https://github.com/leeoniya/uPlot (v1.6.32) */", "");
            // What says that a drawing is SVG is a name, not an address.
            let text = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            for mark in ["://", "\"//", "'//", "@import", "url("] {
                assert!(!text.contains(mark), "{} has {mark}", asset.path);
            }
        }
    }

    /// What venues and files say is text, never a part of the page; and nothing is code but code.
    #[test]
    fn no_text_becomes_markup() {
        let ours = ASSETS.iter().filter(|asset| !asset.path.starts_with("/uplot"));
        for asset in ours.chain([&PAGE]) {
            let text = std::str::from_utf8(asset.bytes).expect("it is text");
            let marks = [
                "innerHTML",
                "outerHTML",
                "insertAdjacent",
                "document.write",
                "eval(",
                "Function(",
                "onclick=",
                "onload=",
                "javascript:",
                "style=\"",
                "<style",
            ];
            for mark in marks {
                assert!(!text.contains(mark), "{} has {mark}", asset.path);
            }
        }
    }
}
