//! The exchange's own SBE XML as field tables: where each field of a message lies and what is null.
//!
//! Layout structs are compared with these tables by `check!`. Only what CME's files use is read
//! (types, composites, enums, sets, groups, variable data); anything else is a panic that names it.
//! Constants take no bytes on the wire and are listed apart.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::shared;
use roxmltree::{Document, Node};
use xmc_hotpath::venue::cme::sbe::{GroupSize, GroupSize8Byte};
use xmc_hotpath::wire::{I32Le, U32Le};

/// One message schema: what one XML file says.
pub struct Schema {
    /// `schemaId` in every message header.
    pub id: u16,
    /// The version of the file.
    pub version: u16,
    messages: Vec<Message>,
    enums: HashMap<String, Vec<i64>>,
    sets: HashMap<String, Vec<(String, u32)>>,
}

/// A message: its root block, its groups and the names of its variable-length fields.
pub struct Message {
    pub name: String,
    pub id: u16,
    pub root: Block,
    pub groups: Vec<Group>,
    pub data: Vec<String>,
}

/// A repeating group and the composite that announces it.
pub struct Group {
    pub name: String,
    /// Name of the dimension composite, for example `groupSize`.
    pub dimension: String,
    /// Bytes that the dimension composite takes.
    pub dimension_len: usize,
    pub block: Block,
}

/// The fields of a root block or of one group entry.
#[derive(Clone)]
pub struct Block {
    /// The block's length on the wire, which may exceed the fields' sum.
    pub len: usize,
    pub fields: Vec<Field>,
    pub constants: Vec<Constant>,
}

/// A field that takes bytes on the wire.
#[derive(Clone)]
pub struct Field {
    pub name: String,
    pub tag: u32,
    pub offset: usize,
    pub size: usize,
    /// The primitive on the wire, of the first member if it is a composite.
    pub primitive: String,
    /// How many of that primitive: more than 1 for text and for composites of several members.
    pub count: usize,
    /// The exponent of a decimal composite.
    pub exponent: Option<i8>,
    /// The value that means "absent"; of the first member if it is a composite.
    pub null: Option<i128>,
    /// The version that added it; 0 if the first.
    pub since: u16,
}

/// A field that every message has with the same value and that is therefore not sent.
#[derive(Clone)]
pub struct Constant {
    pub name: String,
    pub tag: u32,
    pub value: String,
}

/// A type of the file's `<types>` section, reduced to what a field needs.
#[derive(Clone, Default)]
struct Encoding {
    size: usize,
    primitive: String,
    count: usize,
    exponent: Option<i8>,
    null: Option<i128>,
    constant: Option<String>,
}

impl Schema {
    /// Reads `schemas/cme/{file}` of the shared test data; `None` if it is not there.
    pub fn load(file: &str) -> Option<Self> {
        Some(Self::parse(&shared::text(&format!("schemas/cme/{file}"))?))
    }

    fn parse(xml: &str) -> Self {
        let document = Document::parse(xml).expect("schema is well-formed XML");
        let root = document.root_element();
        let section = children(root, "types").next().expect("the schema has types");
        let types = types(section);
        let enums = children(section, "enum")
            .map(|node| (name(node), enum_values(node, &types[name_of(node)].primitive)))
            .collect();
        let sets = children(section, "set").map(|node| (name(node), set_bits(node))).collect();
        let messages = root
            .children()
            .filter(|node| node.tag_name().name() == "message")
            .map(|node| Message::parse(node, &types))
            .collect();
        Self { id: number(root, "id"), version: number(root, "version"), messages, enums, sets }
    }

    /// All messages, in the order of the file.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The message of that name, if this version has it.
    pub fn message(&self, name: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.name == name)
    }

    /// The block at `path`: `Message` is its root, `Message/Group` the entries of a group.
    pub fn block(&self, path: &str) -> &Block {
        let (name, group) = path.split_once('/').map_or((path, None), |(m, g)| (m, Some(g)));
        let message = self.message(name).unwrap_or_else(|| panic!("{self}: no message {name}"));
        match group {
            None => &message.root,
            Some(group) => {
                &message
                    .groups
                    .iter()
                    .find(|each| each.name == group)
                    .unwrap_or_else(|| panic!("{self}: no group {path}"))
                    .block
            }
        }
    }
}

impl Schema {
    /// Asserts that the block at `path` has `len` bytes and the `mapped` fields; see `differences`.
    pub fn compare(&self, path: &str, len: usize, mapped: &[Mapped], absent: &[&str]) {
        let found = self.block(path).differences(len, mapped, absent);
        assert!(found.is_empty(), "{self} {path}:\n{found}");
    }

    /// The values of an enum, characters as their codes, in the order of the file.
    pub fn enum_values(&self, name: &str) -> Vec<i64> {
        self.enums.get(name).unwrap_or_else(|| panic!("{self}: no enum {name}")).clone()
    }

    /// Name and bit number of each choice of a set, in the order of the file.
    pub fn set_bits(&self, name: &str) -> &[(String, u32)] {
        self.sets.get(name).unwrap_or_else(|| panic!("{self}: no set {name}"))
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "schema {} version {}", self.id, self.version)
    }
}

impl Message {
    fn parse(node: Node<'_, '_>, types: &HashMap<String, Encoding>) -> Self {
        let groups = children(node, "group")
            .map(|group| {
                let dimension = group.attribute("dimensionType").unwrap_or("groupSizeEncoding");
                Group {
                    name: name(group),
                    dimension: dimension.to_owned(),
                    dimension_len: types[dimension].size,
                    block: Block::parse(group, types),
                }
            })
            .collect();
        Self {
            name: name(node),
            id: number(node, "id"),
            root: Block::parse(node, types),
            groups,
            data: children(node, "data").map(name).collect(),
        }
    }
}

impl Block {
    /// Reads the `<field>` children; a field without `offset` follows the one before it.
    fn parse(node: Node<'_, '_>, types: &HashMap<String, Encoding>) -> Self {
        let mut block =
            Self { len: number(node, "blockLength"), fields: vec![], constants: vec![] };
        let mut end = 0;
        for field in children(node, "field") {
            let kind = field.attribute("type").expect("a field has a type");
            let encoding = types.get(kind).cloned().unwrap_or_else(|| primitive(kind, field, None));
            let (name, tag) = (name(field), number(field, "id"));
            if let Some(value) = encoding.constant {
                block.constants.push(Constant { name, tag, value });
                continue;
            }
            let offset = field.attribute("offset").map_or(end, |text| text.parse().unwrap());
            assert!(offset >= end, "{name} overlaps the field before it");
            end = offset + encoding.size;
            block.fields.push(Field {
                name,
                tag,
                offset,
                size: encoding.size,
                primitive: encoding.primitive,
                count: encoding.count,
                exponent: encoding.exponent,
                null: encoding.null,
                since: field.attribute("sinceVersion").map_or(0, |text| text.parse().unwrap()),
            });
        }
        assert!(end <= block.len, "the fields of {} exceed its block", name_of(node));
        block
    }

    /// The field of that name; a panic if there is none.
    pub fn field(&self, name: &str) -> &Field {
        self.fields.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no field {name}"))
    }

    /// How `mapped` (the fields of a layout struct of `len` bytes) differs from this block.
    ///
    /// `absent` names fields that a later version added: this version must not have them. Every
    /// other mapped field must be here, at the same place and of the same size and kind, and every
    /// field here must be mapped.
    pub fn differences(&self, len: usize, mapped: &[Mapped], absent: &[&str]) -> String {
        let mut out = String::new();
        if len != self.len {
            writeln!(out, "struct is {len} bytes, block {}", self.len).unwrap();
        }
        for name in absent {
            if self.fields.iter().any(|field| field.name == *name) {
                writeln!(out, "{name} is in this version").unwrap();
            }
        }
        for field in mapped.iter().filter(|field| !absent.contains(&field.name)) {
            match self.fields.iter().find(|each| each.name == field.name) {
                None => writeln!(out, "{} is not in the block", field.name).unwrap(),
                Some(truth) => field.compare(truth, &mut out),
            }
        }
        for truth in &self.fields {
            if !mapped.iter().any(|field| field.name == truth.name) {
                writeln!(out, "{} (offset {}) is not mapped", truth.name, truth.offset).unwrap();
            }
        }
        out
    }
}

/// A field of a layout struct, as `check!` measures it.
pub struct Mapped {
    pub name: &'static str,
    pub offset: usize,
    pub size: usize,
    /// `std::any::type_name` of the field.
    pub kind: &'static str,
}

impl Mapped {
    fn compare(&self, truth: &Field, out: &mut String) {
        if (self.offset, self.size) != (truth.offset, truth.size) {
            writeln!(
                out,
                "{}: offset {} size {}, the XML says {} and {}",
                self.name, self.offset, self.size, truth.offset, truth.size
            )
            .unwrap();
        }
        let kind = match self.kind.rsplit("::").next().unwrap_or(self.kind) {
            "Mantissa" => "I64Le",
            other => other,
        };
        let allowed = allowed_kinds(truth);
        let is_primitive = kind.starts_with('[')
            || ["u8", "i8"].contains(&kind)
            || kind.ends_with("Le")
            || kind.ends_with("Be");
        // A newtype is free to name its meaning; a bare integer must have the right width and sign.
        if is_primitive && !allowed.iter().any(|each| each == kind) {
            writeln!(out, "{}: is {kind}, the XML allows {allowed:?}", self.name).unwrap();
        }
    }
}

/// The layout types that may stand for a field.
fn allowed_kinds(truth: &Field) -> Vec<String> {
    let single = match truth.primitive.as_str() {
        "char" | "uint8" => "u8",
        "int8" => "i8",
        "uint16" => "U16Le",
        "uint32" => "U32Le",
        "uint64" => "U64Le",
        "int16" => "I16Le",
        "int32" => "I32Le",
        "int64" => "I64Le",
        other => panic!("primitive {other}"),
    };
    if truth.count == 1 {
        vec![single.to_owned(), format!("[{single}; 1]")]
    } else {
        vec![format!("[{single}; {}]", truth.count)]
    }
}

/// The size and type name of the field that `_get` borrows.
pub fn measure<T, F>(_get: fn(&T) -> &F) -> (usize, &'static str) {
    (size_of::<F>(), std::any::type_name::<F>())
}

/// Measures the named fields of a layout struct, `base` bytes into the block.
macro_rules! fields {
    ($base:expr, $layout:ty { $($field:ident : $name:literal),* $(,)? }) => {{
        let fields: Vec<$crate::venue::cme::sbe_schema::Mapped> = vec![$({
            let (size, kind) =
                $crate::venue::cme::sbe_schema::measure(|layout: &$layout| &layout.$field);
            let offset = $base + std::mem::offset_of!($layout, $field);
            $crate::venue::cme::sbe_schema::Mapped { name: $name, offset, size, kind }
        }),*];
        fields
    }};
}
pub(crate) use fields;

/// Asserts that a layout struct is the block that the XML describes, field by field.
///
/// `check!(schema, "Message/Group", Entry { price: "MDEntryPx", .. })`, with `absent ["Field"]`
/// after it for fields that this older version does not have yet.
macro_rules! check {
    ($schema:expr, $path:expr, $layout:ty { $($fields:tt)* }) => {
        $crate::venue::cme::sbe_schema::check!($schema, $path, $layout { $($fields)* } absent [])
    };
    ($schema:expr, $path:expr, $layout:ty { $($fields:tt)* } absent $absent:expr) => {{
        let mapped = $crate::venue::cme::sbe_schema::fields!(0, $layout { $($fields)* });
        $schema.compare($path, size_of::<$layout>(), &mapped, &$absent);
    }};
}
pub(crate) use check;

fn types(node: Node<'_, '_>) -> HashMap<String, Encoding> {
    let mut types = HashMap::new();
    for each in node.children().filter(Node::is_element) {
        let encoding = match each.tag_name().name() {
            "type" => simple(each),
            "composite" => composite(each),
            // Resolved below: these refer to types that may stand anywhere in the section.
            "enum" | "set" => continue,
            other => panic!("<{other}> in types"),
        };
        types.insert(name(each), encoding);
    }
    for each in node.children().filter(|n| n.has_tag_name("enum") || n.has_tag_name("set")) {
        let kind = each.attribute("encodingType").expect("an enum has an encoding");
        let encoding = types.get(kind).cloned().unwrap_or_else(|| primitive(kind, each, None));
        types.insert(name(each), encoding);
    }
    types
}

/// The values of an `<enum>`: characters or numbers.
fn enum_values(node: Node<'_, '_>, primitive: &str) -> Vec<i64> {
    children(node, "validValue")
        .map(|value| {
            let text = value.text().unwrap_or_default().trim();
            match primitive {
                "char" => text.bytes().next().expect("a value is not empty").into(),
                _ => text.parse().expect("a value is a number"),
            }
        })
        .collect()
}

/// The choices of a `<set>`: name and bit.
fn set_bits(node: Node<'_, '_>) -> Vec<(String, u32)> {
    children(node, "choice")
        .map(|choice| {
            let bit = choice.text().and_then(|text| text.trim().parse().ok());
            (name(choice), bit.expect("a choice is a bit number"))
        })
        .collect()
}

/// A `<type>`: a primitive, an array of it, or a constant.
fn simple(node: Node<'_, '_>) -> Encoding {
    let kind = node.attribute("primitiveType").expect("a type has a primitive");
    match node.attribute("presence") {
        Some("constant") => Encoding {
            primitive: kind.to_owned(),
            constant: Some(node.text().unwrap_or_default().trim().to_owned()),
            ..Encoding::default()
        },
        presence => primitive(kind, node, presence),
    }
}

fn primitive(kind: &str, node: Node<'_, '_>, presence: Option<&str>) -> Encoding {
    let width = match kind {
        "char" | "int8" | "uint8" => 1,
        "int16" | "uint16" => 2,
        "int32" | "uint32" => 4,
        "int64" | "uint64" => 8,
        other => panic!("primitive {other} of {}", name_of(node)),
    };
    let count = match node.has_tag_name("type") {
        true => node.attribute("length").map_or(1, |text| text.parse().unwrap()),
        false => 1,
    };
    let null = match (presence, node.attribute("nullValue")) {
        (_, Some(text)) => Some(text.parse().expect("a null value is a number")),
        // The SBE default for optional text.
        (Some("optional"), None) if kind == "char" => Some(0),
        _ => None,
    };
    Encoding { size: width * count, primitive: kind.to_owned(), count, null, ..Encoding::default() }
}

/// A `<composite>`: its members in order, a member's `offset` (if any) leaving a hole before it.
fn composite(node: Node<'_, '_>) -> Encoding {
    let mut whole = Encoding::default();
    for member in children(node, "type") {
        let part = simple(member);
        if let Some(value) = part.constant {
            if name(member) == "exponent" {
                whole.exponent = Some(value.parse().expect("an exponent is a number"));
            }
            continue;
        }
        let offset = member.attribute("offset").map_or(whole.size, |text| text.parse().unwrap());
        whole.size = offset + part.size;
        whole.count += part.count;
        if whole.primitive.is_empty() {
            (whole.primitive, whole.null) = (part.primitive, part.null);
        }
    }
    whole
}

fn children<'a, 'i>(
    node: Node<'a, 'i>,
    tag: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    node.children().filter(move |each| each.has_tag_name(tag))
}

fn name(node: Node<'_, '_>) -> String {
    name_of(node).to_owned()
}

fn name_of<'a>(node: Node<'a, '_>) -> &'a str {
    node.attribute("name").unwrap_or("(unnamed)")
}

fn number<T: std::str::FromStr>(node: Node<'_, '_>, attribute: &str) -> T {
    node.attribute(attribute)
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{} has no number {attribute}", name_of(node)))
}

/// What the reader finds in version 13, against values copied by eye from the XML.
#[test]
fn the_schema_reader_finds_what_the_file_says() {
    let Some(schema) = Schema::load("mdp3_v13.xml") else { return };
    assert_eq!((schema.id, schema.version), (1, 13));
    let book = schema.message("MDIncrementalRefreshBook46").expect("is in version 13");
    assert_eq!((book.id, book.root.len), (46, 11));
    let orders = &book.groups[1];
    assert_eq!(orders.dimension, "groupSize8Byte");
    assert_eq!(orders.dimension_len, size_of::<GroupSize8Byte>());
    assert_eq!(book.groups[0].dimension_len, size_of::<GroupSize>());
    let entry = &book.groups[0].block;
    let price = entry.field("MDEntryPx");
    assert_eq!((price.offset, price.size, price.exponent), (0, 8, Some(-9)));
    assert_eq!(price.null, Some(i128::from(i64::MAX)));
    let tradeable = entry.field("TradeableSize");
    assert_eq!((tradeable.offset, tradeable.since, tradeable.tag), (27, 10, 37719));
    let trade = schema.block("MDIncrementalRefreshTradeSummary48/NoMDEntries");
    let kind = &trade.constants[0];
    assert_eq!((kind.name.as_str(), kind.tag, kind.value.as_str()), ("MDEntryType", 269, "2"));
    let maturity = schema.block("MDInstrumentDefinitionFuture54").field("MaturityMonthYear");
    assert_eq!((maturity.offset, maturity.size, maturity.count), (71, 5, 4));
}

/// iLink 3 has what MDP 3.0 lacks: variable data, optional text, constants that are words.
#[test]
fn the_schema_reader_reads_ilink_too() {
    let Some(schema) = Schema::load("ilink3_v9.xml") else { return };
    assert_eq!((schema.id, schema.version), (8, 9));
    let negotiate = schema.message("Negotiate500").expect("is in version 9");
    assert_eq!((negotiate.id, negotiate.root.len), (500, 76));
    assert_eq!(schema.messages().len(), 56);
    assert_eq!(negotiate.data, ["Credentials"]);
    assert_eq!(negotiate.root.constants[0].value, "IDEMPOTENT");
    let firm = negotiate.root.field("Firm");
    assert_eq!((firm.offset, firm.size, firm.count), (71, 5, 5));
}

/// Volume entries of message 37, laid out wrongly on purpose or not, to try the comparison itself.
#[repr(C)]
struct Volume {
    size_lots: I32Le,
    security_id: I32Le,
    rpt_seq: U32Le,
    action: u8,
    _pad: [u8; 3],
}

const VOLUME: &str = "MDIncrementalRefreshVolume37/NoMDEntries";

/// The comparison accepts the right layout and names a swapped, a missing and a mistyped field.
#[test]
fn a_wrong_layout_is_told_apart_from_a_right_one() {
    let Some(schema) = Schema::load("mdp3_v13.xml") else { return };
    check!(
        schema,
        VOLUME,
        Volume {
            size_lots: "MDEntrySize",
            security_id: "SecurityID",
            rpt_seq: "RptSeq",
            action: "MDUpdateAction",
        }
    );
    let wrong = [
        Mapped { name: "MDEntrySize", offset: 4, size: 4, kind: "xmc_hotpath::wire::I32Le" },
        Mapped { name: "RptSeq", offset: 8, size: 4, kind: "xmc_hotpath::wire::I32Le" },
        Mapped { name: "MDUpdateAction", offset: 12, size: 1, kind: "u8" },
        Mapped { name: "MDEntryPx", offset: 13, size: 1, kind: "u8" },
    ];
    let found = schema.block(VOLUME).differences(15, &wrong, &["RptSeq"]);
    for expected in [
        "struct is 15 bytes, block 16",
        "RptSeq is in this version",
        "MDEntrySize: offset 4 size 4, the XML says 0 and 4",
        "MDEntryPx is not in the block",
        "SecurityID (offset 4) is not mapped",
    ] {
        assert!(found.contains(expected), "{expected}\n{found}");
    }
    let mistyped = schema.block(VOLUME).differences(16, &wrong, &[]);
    assert!(mistyped.contains("RptSeq: is I32Le"), "{mistyped}");
}
