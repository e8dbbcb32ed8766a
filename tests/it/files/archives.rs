//! A project as one file: taken away, and brought.

use std::io::{Cursor, Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{StreamExt as _, stream};
use lockhouse::files::{Changed, Error, Format};
use tar::{EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Room, rel};

impl Room {
    pub(super) async fn unpack(
        &self,
        format: Format,
        archive: &[u8],
    ) -> Result<Vec<Changed>, Error> {
        let pieces: Vec<_> = archive
            .chunks(100_000)
            .map(|piece| Ok::<_, String>(Bytes::copy_from_slice(piece)))
            .collect();
        let permit = self.permit().await;
        self.files.unpack(&permit, &self.project, None, format, stream::iter(pieces)).await
    }

    pub(super) async fn packed(&self, format: Format) -> Vec<u8> {
        let mut body = self.files.download(&self.project, format).body;
        let mut archive = Vec::new();
        while let Some(piece) = body.next().await {
            archive.extend_from_slice(&piece.unwrap());
        }
        archive
    }

    /// Refuses the archive, says why, and is as it was.
    async fn refuses(&self, format: Format, archive: &[u8]) -> String {
        self.write("before.txt", "old").await.unwrap();
        let refused = self.unpack(format, archive).await.unwrap_err();
        assert!(matches!(refused, Error::Archive(_) | Error::ArchiveTooLarge(_)), "{refused:?}");
        assert_eq!(self.read("before.txt").await.unwrap(), "old");
        assert_eq!(std::fs::read_dir(self.inside("")).unwrap().count(), 1);
        refused.to_string()
    }
}

/// A tar whose headers say just this.
fn tarball(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        header.set_link_name("target").unwrap();
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn files(names: &[&str]) -> Vec<u8> {
    let entries: Vec<_> = names.iter().map(|name| (*name, EntryType::Regular, "new")).collect();
    tarball(&entries)
}

/// A zip with these files. Where a name may not be written, `instead` puts it
/// there afterwards: both have the same length.
fn zipped(names: &[&str], instead: Option<(&str, &str)>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(b"new").unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    instead.map_or(bytes.clone(), |(from, to)| replaced(bytes, from.as_bytes(), to.as_bytes()))
}

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let found: Vec<_> =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!found.is_empty());
    found.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

async fn furnished() -> Room {
    let room = Room::new().await;
    room.write("naïve 文件.txt", "text").await.unwrap();
    room.write("src/deep/b.bin", "\0\u{1}").await.unwrap();
    std::fs::create_dir(room.inside("empty")).unwrap();
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    room.write(&long, "long").await.unwrap();
    let executable = lockhouse::files::Save { executable: Some(true), ..Default::default() };
    room.save("run.sh", "#!/bin/sh", executable).await.unwrap();
    room
}

async fn comes_back(format: Format) {
    use std::os::unix::fs::MetadataExt as _;
    let (from, to) = (furnished().await, Room::new().await);
    let archive = from.packed(format).await;
    to.unpack(format, &archive).await.unwrap();
    assert_eq!(to.paths().await, from.paths().await);
    assert_eq!(to.read("src/deep/b.bin").await.unwrap(), "\0\u{1}");
    assert_eq!(to.read("naïve 文件.txt").await.unwrap(), "text");
    let mode = |path: &str| std::fs::metadata(to.inside(path)).unwrap().mode() & 0o777;
    assert_eq!((mode("run.sh"), mode("src/deep/b.bin")), (0o755, 0o644));
}

#[tokio::test]
async fn a_project_comes_back_from_its_zip() {
    comes_back(Format::Zip).await;
}

#[tokio::test]
async fn a_project_comes_back_from_its_tar() {
    comes_back(Format::Tar).await;
}

#[tokio::test]
async fn a_project_comes_back_from_its_compressed_tar() {
    comes_back(Format::TarGz).await;
}

#[tokio::test]
async fn an_archive_carries_no_link_nor_what_it_points_to() {
    let room = Room::new().await;
    room.link("link", room.secret());
    room.link("directory", room.outside(""));
    std::fs::hard_link(room.secret(), room.inside("hard")).unwrap();
    nix::unistd::mkfifo(&room.inside("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    room.write("a.txt", "mine").await.unwrap();
    let archive = room.packed(Format::Tar).await;
    let mut tar = tar::Archive::new(archive.as_slice());
    let names: Vec<_> =
        tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned()).collect();
    assert_eq!(names, [std::path::Path::new("a.txt")]);
    let mut zip = zip::ZipArchive::new(Cursor::new(room.packed(Format::Zip).await)).unwrap();
    let mut text = String::new();
    zip.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((zip.len(), text.as_str()), (1, "mine"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_that_turns_into_a_link_while_it_is_packed_gives_nothing_away() {
    let room = Room::new().await;
    let swapper = super::races::Swapper::start(&room, "");
    let archives = futures::future::join_all((0..200).map(|_| room.packed(Format::Tar))).await;
    assert!(swapper.stop() > 100);
    assert!(archives.iter().all(|archive| !archive.windows(4).any(|bytes| bytes == b"gold")));
}

#[tokio::test]
async fn an_archive_lands_over_what_is_there() {
    let room = Room::new().await;
    room.write("a.txt", "old").await.unwrap();
    room.write("kept.txt", "kept").await.unwrap();
    let archive = files(&["./a.txt", "./src/b.txt"]);
    let changed = room.unpack(Format::Tar, &archive).await.unwrap();
    assert_eq!(changed.len(), 3);
    assert_eq!(room.read("a.txt").await.unwrap(), "new");
    assert_eq!(room.paths().await, ["a.txt", "kept.txt", "src", "src/b.txt"]);
}

#[tokio::test]
async fn an_archive_is_unpacked_below_a_directory() {
    let room = Room::new().await;
    let body = stream::iter([Ok::<_, String>(Bytes::from(files(&["a.txt"])))]);
    let (permit, below) = (room.permit().await, rel("lib/deep"));
    let format = Format::Tar;
    room.files.unpack(&permit, &room.project, Some(&below), format, body).await.unwrap();
    assert_eq!(room.paths().await, ["lib", "lib/deep", "lib/deep/a.txt"]);
}

#[tokio::test]
async fn an_archive_that_can_t_land_leaves_everything_as_it_was() {
    let room = Room::new().await;
    room.write("a.txt", "old").await.unwrap();
    std::fs::create_dir(room.inside("z")).unwrap();
    assert!(room.unpack(Format::Tar, &files(&["a.txt", "new/b.txt", "z"])).await.is_err());
    assert_eq!(room.paths().await, ["a.txt", "z"]);
    assert_eq!(room.read("a.txt").await.unwrap(), "old");
    assert_eq!(std::fs::read_dir(room.inside("")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_name_in_an_archive_that_leads_out_refuses_it() {
    let room = Room::new().await;
    room.refuses(Format::Tar, &files(&["ok.txt", "../evil"])).await;
    room.refuses(Format::Tar, &files(&["a/../../evil"])).await;
    room.refuses(Format::TarGz, &gzipped(&files(&["/tmp/evil"]))).await;
    room.refuses(Format::Zip, &zipped(&["ok.txt", "aa/evil"], Some(("aa/", "../")))).await;
    room.refuses(Format::Zip, &zipped(&["xtmp/evil"], Some(("xtmp", "/tmp")))).await;
    room.refuses(Format::Zip, &zipped(&["a!evil"], Some(("a!", "a\\")))).await;
    assert!(!room.outside("evil").exists() && !room.outside("projects/evil").exists());
}

#[tokio::test]
async fn links_in_an_archive_refuse_it() {
    let room = Room::new().await;
    let then = ("link/x", EntryType::Regular, "new");
    room.refuses(Format::Tar, &tarball(&[("link", EntryType::Symlink, ""), then])).await;
    room.refuses(Format::Tar, &tarball(&[("hard", EntryType::Link, "")])).await;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc", SimpleFileOptions::default()).unwrap();
    room.refuses(Format::Zip, &zip.finish().unwrap().into_inner()).await;
}

#[tokio::test]
async fn a_link_in_the_project_does_not_lead_an_archive_out() {
    let room = Room::new().await;
    std::fs::create_dir(room.outside("treasure")).unwrap();
    room.link("out", room.outside("treasure"));
    assert!(room.unpack(Format::Tar, &files(&["out/evil"])).await.is_err());
    assert_eq!(std::fs::read_dir(room.outside("treasure")).unwrap().count(), 0);
}

#[tokio::test]
async fn devices_pipes_and_sparse_files_in_an_archive_refuse_it() {
    let room = Room::new().await;
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse] {
        room.refuses(Format::Tar, &tarball(&[("odd", kind, "")])).await;
    }
    room.refuses(Format::Tar, &tarball(&[("d", EntryType::Directory, "content")])).await;
}

#[tokio::test]
async fn a_name_that_is_twice_in_an_archive_refuses_it() {
    let room = Room::new().await;
    let twice = room.refuses(Format::Tar, &files(&["a.txt", "./a.txt"])).await;
    assert!(twice.contains("twice"), "{twice}");
    room.refuses(Format::Zip, &zipped(&["dup1", "dup2"], Some(("dup2", "dup1")))).await;
    room.refuses(Format::Tar, &files(&["a", "a/b"])).await;
}

#[tokio::test]
async fn names_that_differ_in_case_alone_refuse_an_archive() {
    let room = Room::new().await;
    room.refuses(Format::Tar, &files(&["Readme", "README"])).await;
    room.refuses(Format::Zip, &zipped(&["src/a", "SRC/b"], None)).await;
}

#[tokio::test]
async fn an_archive_of_too_many_entries_is_refused() {
    let room = Room::new().await;
    let names: Vec<String> = (0..60_000).map(|n| format!("d{n}/")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), EntryType::Directory, "")).collect();
    let refused = room.refuses(Format::TarGz, &gzipped(&tarball(&many))).await;
    assert!(refused.contains("50000 entries"), "{refused}");
    let refused = room.refuses(Format::Zip, &million()).await;
    assert!(refused.contains("50000 entries"), "{refused}");
}

/// What a zip of a million entries ends with.
fn million() -> Vec<u8> {
    let mut zip = vec![0; 46 * 1_000_000];
    zip[..4].copy_from_slice(b"PK\x01\x02");
    let (size, count) = (zip.len() as u64, 1_000_000_u64);
    zip.extend(0x0606_4b50_u32.to_le_bytes());
    zip.extend(44_u64.to_le_bytes());
    zip.extend([45, 0, 45, 0]);
    zip.extend([0; 8]);
    [count, count, size, 0].iter().for_each(|number| zip.extend(number.to_le_bytes()));
    zip.extend(0x0706_4b50_u32.to_le_bytes());
    zip.extend([0; 4]);
    zip.extend(size.to_le_bytes());
    zip.extend(1_u32.to_le_bytes());
    zip.extend(0x0605_4b50_u32.to_le_bytes());
    zip.extend([0; 4]);
    zip.extend([0xff; 12]);
    zip.extend([0; 2]);
    zip
}

#[tokio::test]
async fn an_archive_that_grows_a_thousandfold_is_refused() {
    let room = Room::new().await;
    let zeros = "\0".repeat(40 * 1024 * 1024);
    let bomb = tarball(&[("zeros", EntryType::Regular, &zeros)]);
    let refused = room.refuses(Format::TarGz, &gzipped(&bomb)).await;
    assert!(refused.contains("200 times"), "{refused}");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("zeros", SimpleFileOptions::default()).unwrap();
    zip.write_all(zeros.as_bytes()).unwrap();
    room.refuses(Format::Zip, &zip.finish().unwrap().into_inner()).await;
}

#[tokio::test]
async fn a_header_that_says_to_be_huge_is_not_believed() {
    let room = Room::new().await;
    let long = "x".repeat(1_000_000);
    room.refuses(Format::Tar, &tarball(&[("l", EntryType::GNULongName, &long)])).await;
    room.refuses(Format::Tar, &tarball(&[("p", EntryType::XHeader, &long)])).await;
    let globals = vec![("g", EntryType::XGlobalHeader, "10 a=bcde\n"); 100];
    room.refuses(Format::Tar, &tarball(&globals)).await;
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let room = Room::new().await;
    room.refuses(Format::Zip, b"no zip at all").await;
    room.refuses(Format::TarGz, b"no gzip at all").await;
    room.refuses(Format::Tar, &[7; 4096]).await;
    let whole = gzipped(&files(&["a.txt"]));
    room.refuses(Format::TarGz, &whole[..whole.len() / 2]).await;
}
