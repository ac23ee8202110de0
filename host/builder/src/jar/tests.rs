//! Archives that are as they should be, and one by one those that are not. Hostile ones in full are in
//! `tests/hostile-sources`.

use super::*;
use proptest::prelude::*;

/// The smallest class file of this name.
fn class(name: &str) -> Vec<u8> {
    let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61, 0, 5];
    for text in [name, "java/lang/Object"] {
        bytes.push(1);
        bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.extend([7, 0, 1, 7, 0, 2, 0, 0x21, 0, 3, 0, 4]);
    bytes.extend([0; 8]);
    bytes
}

fn jar(files: &[(&str, Vec<u8>)]) -> Jar {
    let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
    Jar { name: "lib.jar".into(), bytes: write::stored(files).unwrap() }
}

fn refused(jar: &Jar) -> String {
    let errors = check_jar(jar, &JarLimits::default()).unwrap_err();
    errors.iter().map(|e| e.message.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_plain_jar_is_written_anew_and_stays_the_same() {
    let found = check_jar(&jar(&[("acme/A.class", class("acme/A")), ("data.txt", b"x".to_vec())]), &JarLimits::default()).unwrap();
    assert_eq!((found.classes, found.warnings.len()), (1, 0));
    let again = check_jar(&found.jar, &JarLimits::default()).unwrap();
    assert_eq!(again.jar, found.jar);
}

#[test]
fn what_a_build_has_no_use_for_is_left_out_and_named() {
    let files = [
        "META-INF/MANIFEST.MF",
        "META-INF/A.RSA",
        "META-INF/services/javax.annotation.processing.Processor",
        "lib/b.jar",
        "x.so",
        "META-INF/versions/21/acme/A.class",
        "module-info.class",
        "millrace/api/Row.class",
        "scalac-plugin.xml",
        "com/sun/mail/smtp/SMTPTransport.class",
    ];
    let mut files: Vec<_> = files.into_iter().map(|name| (name, b"x".to_vec())).collect();
    files.push(("acme/A.class", class("acme/A")));
    let found = check_jar(&jar(&files), &JarLimits::default()).unwrap();
    assert_eq!(found.jar, jar(&[("acme/A.class", class("acme/A"))]));
    let said: Vec<_> = found.warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(said.len(), 9, "{said:#?}");
    assert!(said[0].starts_with("JAR `lib.jar`: signatures are left out"), "{said:#?}");
}

#[test]
fn a_class_is_what_its_path_says() {
    assert!(refused(&jar(&[("acme/A.class", class("acme/B"))])).contains("holds the class `acme/B`"));
    assert!(refused(&jar(&[("java/lang/String.class", class("java/lang/String"))])).contains("package of the JDK"));
    assert!(refused(&jar(&[("acme/A.class", b"MZ..".to_vec())])).contains("does not begin with CAFEBABE"));
    let mut newer = class("acme/A");
    newer[7] = 65;
    assert!(refused(&jar(&[("acme/A.class", newer)])).contains("version 65 (Java 21), expected at most 61 (Java 17)"));
}

#[test]
fn the_jars_of_a_build_share_what_they_may_unpack_to() {
    let limits = JarLimits { build_bytes_max: 3 << 20, ..JarLimits::default() };
    let large = |name: &str| Jar { name: name.into(), ..jar(&[("data.bin", vec![7; 1 << 20])]) };
    let three: Vec<_> = ["a.jar", "b.jar", "c.jar"].map(large).into();
    assert_eq!(check_jars(three.clone(), &limits).unwrap().len(), 3);
    let errors = check_jars([three, vec![jar(&[("one.txt", b"1".to_vec())])]].concat(), &limits).unwrap_err();
    assert_eq!(errors[0].message, "JAR `lib.jar`: the JARs of the build unpack to more than 3 MiB together");
    assert!(check_jar(&large("d.jar"), &limits).is_ok(), "one by one they are not too large");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = check_jar(&Jar { name: "a.jar".into(), bytes: bytes.clone() }, &JarLimits::default());
        let _ = class_file::check("a/A", &bytes, 61);
    }

    #[test]
    fn any_damage_is_answered(at in 0usize..600, byte in any::<u8>()) {
        let mut damaged = jar(&[("acme/A.class", class("acme/A")), ("b.txt", vec![7; 40])]);
        let len = damaged.bytes.len();
        damaged.bytes[at % len] = byte;
        let _ = check_jar(&damaged, &JarLimits::default());
    }
}
