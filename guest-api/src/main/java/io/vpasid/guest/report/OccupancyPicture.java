package io.vpasid.guest.report;

import io.vpasid.guest.html.Html;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.occupancy.OccupancyMap;
import io.vpasid.pci.occupancy.Segment;
import io.vpasid.pci.occupancy.Use;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// An occupancy map to look at: as text for a terminal, as SVG for a browser or a document.
///
/// Equal maps with equal titles and marks give equal pictures. Names come from files that nobody
/// checked; in a picture they are one line without control characters, escaped as the form needs
/// it. Never changes; safe to share between threads.
///
/// ```text
///        0    4    8    c
///  140  AAAA AAAA BBBB BBBB        B [148] ARI
///  150  CCCC CCCC CCCC CCCC  ×4    C [150] SR-IOV
///  190  DDDD DDDD ···· ····        D [190] ATS
///  1a0  @@@@ @@@@ ···· ····        @ [1a0] vPASID
/// ```
public final class OccupancyPicture {
  private final OccupancyMap map;
  private final String title;
  private final List<String> details;
  private final List<Mark> marks;

  /// The areas that are drawn, by the offset of the first byte.
  private final List<Area> areas;

  /// Per byte: the index of its area.
  private final int[] areaOf;

  /// Bytes to point out, whoever owns them.
  private record Mark(ByteRange range, String name) {}

  private OccupancyPicture(OccupancyMap map, String title, List<String> details, List<Mark> marks) {
    this.map = map;
    this.title = title;
    this.details = List.copyOf(details);
    this.marks = List.copyOf(marks);
    areaOf = new int[map.size()];
    areas = draw();
  }

  /// A picture without title and marks.
  public static OccupancyPicture of(OccupancyMap map) {
    return new OccupancyPicture(map, "", List.of(), List.of());
  }

  /// The same picture under a title; text has none.
  ///
  /// @param title what it is a picture of, about 80 characters; what does not fit is cut
  /// @param details what stands below it, each in a line or two of about 130 characters
  public OccupancyPicture titled(String title, String... details) {
    return new OccupancyPicture(
        map, plain(title), Arrays.stream(details).map(OccupancyPicture::plain).toList(), marks);
  }

  /// The same picture with `range` pointed out.
  ///
  /// @param range bytes inside the map
  /// @param name what they are, in a word or two
  /// @throws IllegalArgumentException if the range is empty or reaches outside the map
  public OccupancyPicture marking(ByteRange range, String name) {
    if (range.isEmpty() || range.end() > map.size()) {
      throw new IllegalArgumentException(
          "A mark needs bytes inside the map of " + map.size() + " bytes, not " + range);
    }
    List<Mark> more = new ArrayList<>(marks);
    more.add(new Mark(range, plain(name)));
    return new OccupancyPicture(map, title, details, more);
  }

  /// The character that stands for the byte at `offset` in the text: a letter of its own for each
  /// capability, capital in the lists and small if hidden, and a sign for everything else.
  public char symbolAt(int offset) {
    return areaAt(offset).symbol();
  }

  /// True if a row of the text can have so many bytes.
  public static boolean isRow(int bytes) {
    return bytes >= 16 && bytes <= 256 && Integer.bitCount(bytes) == 1;
  }

  /// The picture in characters: a line per row, equal rows in one line with their number, names
  /// beside, a legend below.
  ///
  /// @param bytesPerRow 16, 32, 64, 128 or 256; where a line has no room for names beside so many,
  ///   they stand below
  /// @param colour colour with ANSI escape sequences, for terminals with 256 colours
  /// @param columns of the terminal; lines are no longer unless a row itself is
  /// @return lines that end in LF
  /// @throws IllegalArgumentException if a row cannot have so many bytes
  String text(int bytesPerRow, boolean colour, int columns) {
    if (!isRow(bytesPerRow)) {
      throw new IllegalArgumentException(
          "A row has 16, 32, 64, 128 or 256 bytes, not " + bytesPerRow);
    }
    return new TextPicture(this, bytesPerRow, colour, columns).draw();
  }

  /// The same on a page; one without an end has lines of 80 characters.
  ///
  /// @param bytesPerRow likewise; 0 for as many as leave room for names
  void print(Page page, int bytesPerRow, boolean colour) {
    int columns = page.columns() == Page.ENDLESS ? TextPicture.COLUMNS : page.columns();
    int row = bytesPerRow == 0 ? TextPicture.widestRow(columns) : bytesPerRow;
    page.out().print(text(row, colour, columns).replace("\n", System.lineSeparator()));
  }

  /// The picture as an SVG 1.1 document of its own: no scripts, no fonts or files from elsewhere,
  /// colours for light and dark, a description for those who cannot see it, tooltips. Rows have 32
  /// bytes; three and more that look alike are one.
  public String svg() {
    return new SvgPicture(this).draw(new SvgPicture.Frame.Document());
  }

  /// The same as a part of a page that has [SvgStyle#ofPage] and [SvgStyle#shapesOfPage].
  ///
  /// @param id of the picture, unique in the page
  String svgInPage(String id) {
    return new SvgPicture(this).draw(new SvgPicture.Frame.InPage(id));
  }

  int size() {
    return map.size();
  }

  String title() {
    return title;
  }

  List<String> details() {
    return details;
  }

  List<Area> areas() {
    return areas;
  }

  Area areaAt(int offset) {
    return areas.get(areaOf[offset]);
  }

  int areaIndexAt(int offset) {
    return areaOf[offset];
  }

  private List<Area> draw() {
    Map<Integer, List<ByteRange>> runs = runsOfOwners();
    List<Area> drawn = new ArrayList<>();
    int shown = 0;
    int hidden = 0;
    for (Map.Entry<Integer, List<ByteRange>> owner : runs.entrySet()) {
      Look look = lookOf(owner.getKey());
      boolean isHidden = look.hasSmallLetters();
      char symbol = look.symbol(isHidden ? hidden : shown);
      for (ByteRange range : owner.getValue()) {
        Arrays.fill(areaOf, range.offset(), range.end(), drawn.size());
      }
      drawn.add(area(owner.getKey(), look, symbol, shown + hidden, owner.getValue()));
      if (look.hasLetters()) {
        shown += isHidden ? 0 : 1;
        hidden += isHidden ? 1 : 0;
      }
    }
    return List.copyOf(drawn);
  }

  /// The bytes of each owner, in the order of their first byte.
  private Map<Integer, List<ByteRange>> runsOfOwners() {
    Map<Integer, List<ByteRange>> runs = new LinkedHashMap<>();
    int start = 0;
    for (int at = 1; at <= size(); at++) {
      if (at == size() || ownerAt(at) != ownerAt(start)) {
        runs.computeIfAbsent(ownerAt(start), _ -> new ArrayList<>())
            .add(ByteRange.between(start, at));
        start = at;
      }
    }
    return runs;
  }

  /// A number for who is shown at `offset`: below 0 a mark, otherwise a claim. All live bytes have
  /// one, whoever saw that they are.
  private int ownerAt(int offset) {
    for (int i = 0; i < marks.size(); i++) {
      if (marks.get(i).range().contains(offset)) {
        return -1 - i;
      }
    }
    int claim = map.claimAt(offset);
    return map.claim(claim).use() == Use.NON_ZERO ? Integer.MAX_VALUE : claim;
  }

  private Look lookOf(int owner) {
    if (owner < 0) {
      return Look.MARK;
    }
    return owner == Integer.MAX_VALUE ? Look.LIVE : Look.of(map.claim(owner).use());
  }

  private Area area(int owner, Look look, char symbol, int number, List<ByteRange> runs) {
    if (owner < 0) {
      Mark mark = marks.get(-1 - owner);
      int start = mark.range().offset();
      return new Area(look, symbol, number, start, mark.name(), mark.name(), runs);
    }
    if (look == Look.LIVE) {
      int start = runs.getFirst().offset();
      return new Area(look, symbol, number, start, look.meaning(), "live", runs);
    }
    Segment claim = map.claim(owner);
    return new Area(
        look,
        symbol,
        number,
        claim.range().offset(),
        plain(claim.owner()),
        plain(claim.shortName()),
        runs);
  }

  /// The first area that looks so.
  Area sample(Look look) {
    return areas.stream().filter(area -> area.look() == look).findFirst().orElseThrow();
  }

  /// The looks that occur, in the order of [Look].
  List<Look> looks() {
    return Arrays.stream(Look.values())
        .filter(look -> areas.stream().anyMatch(a -> a.look() == look))
        .toList();
  }

  /// `text` as one line without anything that moves a cursor or colours.
  private static String plain(String text) {
    StringBuilder line = new StringBuilder(text.length());
    text.codePoints().map(c -> Html.isShown(c) ? c : ' ').forEach(line::appendCodePoint);
    return line.toString().strip();
  }
}
