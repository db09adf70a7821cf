//! Makes the page of its parts: `assemble MODULE WEIGHTS SOURCES SHARED OUT`.
//!
//! OUT/chorale.html holds everything, OUT/site the same as files for a server. `SOURCES/index.html` names what belongs to
//! it by the ordinary tags, one a line; a path that begins with `shared/` lies in SHARED.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Files beside the page that no tag names.
const BESIDE: [&str; 3] = ["manifest.webmanifest", "sw.js", "icon.svg"];
const VERSION: &str = "{{version}}";
const FILES: &str = "{{files}}";

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, weights, sources, shared, out] = &arguments[..] else {
        bail!("assemble MODULE WEIGHTS SOURCES SHARED OUT");
    };
    let place = |name: &str| match name.strip_prefix("shared/") {
        Some(name) => shared.join(name),
        None => match name {
            "chorale.wasm" => module.clone(),
            "wavenet.onnx" => weights.clone(),
            _ => sources.join(name),
        },
    };
    let index = read_text(&sources.join("index.html"))?;
    let (page, names) = inline(&index, |name| read(&place(name)))?;
    fs::create_dir_all(out)?;
    write(&out.join("chorale.html"), page.as_bytes())?;
    site(&index, &names, &out.join("site"), sources, |name| read(&place(name)))
}

/// The page with everything in it, and the names of what was put in.
fn inline(index: &str, read: impl Fn(&str) -> Result<Vec<u8>>) -> Result<(String, Vec<String>)> {
    let (mut page, mut names) = (String::new(), Vec::new());
    for line in index.lines() {
        let tag = line.trim();
        let text = |name: &str| -> Result<String> {
            let text = String::from_utf8(read(name)?).with_context(|| format!("{name} is no UTF-8"))?;
            if text.contains("</script") || text.contains("</style") {
                bail!("{name} would end the tag that it stands in: write <\\/script>");
            }
            Ok(text)
        };
        let Some((attribute, name)) = named(tag) else {
            page.push_str(line);
            page.push('\n');
            continue;
        };
        // Only a server can have a manifest.
        if !tag.contains("\"manifest\"") {
            let opening = tag.split_once("></").map_or(tag, |(opening, _)| opening).trim_end_matches('>');
            let opening = opening.replace(&format!(" {attribute}=\"{name}\""), "");
            match attribute {
                "href" if tag.contains("\"stylesheet\"") => writeln!(page, "<style>\n{}</style>", text(name)?)?,
                "href" if tag.contains("\"icon\"") => {
                    writeln!(page, "{opening} href=\"data:image/svg+xml;base64,{}\">", BASE64.encode(read(name)?))?;
                }
                _ if name.ends_with(".js") => writeln!(page, "{opening}>\n{}</script>", text(name)?)?,
                _ if name.ends_with(".wasm") => {
                    writeln!(page, "{opening}>{}</script>", BASE64.encode(gzip(&read(name)?)?))?;
                }
                // Weights hardly shrink, and unpacking them takes longer than reading what it would save.
                _ => writeln!(page, "{opening}>{}</script>", BASE64.encode(read(name)?))?,
            }
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok((page, names))
}

/// What a tag names: `href` of a link, `src` of a script.
fn named(tag: &str) -> Option<(&'static str, &str)> {
    let attribute = if tag.starts_with("<link ") {
        "href"
    } else if tag.starts_with("<script ") {
        "src"
    } else {
        return None;
    };
    let (_, rest) = tag.split_once(&format!(" {attribute}=\""))?;
    Some((attribute, rest.split_once('"')?.0))
}

/// The same as files, with a service worker that knows them and which version they are.
fn site(
    index: &str,
    names: &[String],
    out: &Path,
    sources: &Path,
    read: impl Fn(&str) -> Result<Vec<u8>>,
) -> Result<()> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("cannot clear {}", out.display()))?;
    }
    let beside = BESIDE.iter().filter(|name| sources.join(name).exists()).map(|name| (*name).to_owned());
    let mut all: Vec<String> = names.iter().cloned().chain(beside).collect();
    all.sort();
    all.dedup();
    let mut hasher = DefaultHasher::new();
    hasher.write(index.as_bytes());
    let mut files = Vec::new();
    for name in &all {
        let bytes = read(name)?;
        hasher.write(&bytes);
        files.push((name, bytes));
    }
    let version = format!("{:016x}", hasher.finish());
    let cached: Vec<String> =
        ["./".to_owned()].into_iter().chain(all.iter().filter(|name| *name != "sw.js").cloned()).collect();
    let list = format!("[{}]", cached.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(","));
    for (name, bytes) in files {
        let bytes = match name.as_str() {
            "sw.js" => String::from_utf8(bytes)?.replace(VERSION, &version).replace(FILES, &list).into_bytes(),
            _ => bytes,
        };
        write(&out.join(name), &bytes)?;
    }
    write(&out.join("index.html"), index.as_bytes())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_in_it_what_its_tags_name_and_all_else_as_it_is() {
        let index = "<title>x</title>\n<link rel=\"manifest\" href=\"m\">\n<link rel=\"stylesheet\" href=\"shared/a.css\">\n\
                     <script type=\"text/plain\" id=\"w\" src=\"w.js\"></script>\n<script id=\"m\" src=\"m.wasm\"></script>\n\
                     <script id=\"b\" src=\"b.onnx\"></script>\n";
        let read = |name: &str| Ok(format!("[{name}]\n").into_bytes());
        let (page, names) = inline(index, read).unwrap();
        let module = BASE64.encode(gzip(b"[m.wasm]\n").unwrap());
        let weights = BASE64.encode(b"[b.onnx]\n");
        assert_eq!(
            page,
            format!(
                "<title>x</title>\n<style>\n[shared/a.css]\n</style>\n<script type=\"text/plain\" id=\"w\">\n[w.js]\n</script>\n\
                 <script id=\"m\">{module}</script>\n<script id=\"b\">{weights}</script>\n"
            )
        );
        assert_eq!(names, ["m", "shared/a.css", "w.js", "m.wasm", "b.onnx"]);
        assert!(inline("<script src=\"x.js\"></script>", |_| Ok(b"'</script>'".to_vec())).is_err());
    }
}
