package io.vpasid.guest.html;

import java.util.List;

/// A table with a caption and a heading for each column and row; wide ones scroll by themselves.
///
/// The columns of a sortable table are sorted by their headings, numbers and offsets by value. The
/// script does that, so without one they are as they were added.
public final class DataTable {
  private final Html html = new Html();
  private boolean inRow;

  /// @param caption says what it lists
  public DataTable(String caption, String... columns) {
    this(caption, false, columns);
  }

  private DataTable(String caption, boolean sortable, String... columns) {
    html.open("div", "class", "scroll", "tabindex", "0", "role", "group", "aria-label", caption);
    html.open("table", "class", sortable ? "sortable" : "plain").element("caption", caption);
    html.open("thead").open("tr");
    for (String column : columns) {
      if (sortable) {
        html.open("th", "scope", "col", "aria-sort", "none")
            .element("button", column, "type", "button")
            .close();
      } else {
        html.element("th", column, "scope", "col");
      }
    }
    html.close().close().open("tbody");
  }

  /// A table whose headings sort it.
  public static DataTable sortable(String caption, String... columns) {
    return new DataTable(caption, true, columns);
  }

  /// Begins a row; cells follow, as many as there are columns.
  ///
  /// @param attributes names and values, in turn
  public DataTable row(String... attributes) {
    endRow();
    html.open("tr", attributes);
    inRow = true;
    return this;
  }

  /// The heading of the row, in a cell of its own.
  public DataTable heading(String text) {
    html.element("th", text, "scope", "row");
    return this;
  }

  /// A heading that leads to an element of the page.
  public DataTable heading(String text, String id) {
    html.open("th", "scope", "row").element("a", text, "href", "#" + id).close();
    return this;
  }

  /// A cell.
  public DataTable cell(String text) {
    html.element("td", text);
    return this;
  }

  /// A cell with a number or an offset.
  public DataTable number(Object value) {
    html.element("td", value.toString(), "class", "number");
    return this;
  }

  /// A cell with a word that is coloured as well.
  ///
  /// @param kind `good`, `bad`, `open` or `none`
  public DataTable state(String text, String kind) {
    html.open("td").element("span", text, "class", "state " + kind).close();
    return this;
  }

  /// A cell with several texts below each other.
  public DataTable lines(List<String> texts) {
    html.open("td");
    texts.forEach(text -> html.element("div", text));
    html.close();
    return this;
  }

  private void endRow() {
    if (inRow) {
      html.close();
    }
    inRow = false;
  }

  /// The markup.
  public String draw() {
    endRow();
    html.close().close().close();
    return html.toString();
  }
}
