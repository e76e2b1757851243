package io.vpasid.guest.html;

/// The line above a sortable table that filters it, and opens all parts of the page or none. It
/// needs the script, which shows it.
public final class FilterBar {
  private FilterBar() {}

  /// Draws it.
  ///
  /// @param kinds kinds of rows and what they are called, in turn
  public static String draw(String... kinds) {
    Html html = new Html();
    html.open("form", "class", "tools", "hidden", "", "role", "search");
    html.open("label")
        .text("Filter")
        .empty("input", "type", "search", "autocomplete", "off", "spellcheck", "false")
        .close();
    html.open("label").text("Show").open("select").element("option", "all", "value", "");
    for (int i = 0; i < kinds.length; i += 2) {
      html.element("option", kinds[i + 1], "value", kinds[i]);
    }
    html.close().close();
    html.element("button", "Open all", "type", "button");
    html.element("button", "Close all", "type", "button");
    html.element("output", "");
    return html.close().toString();
  }
}
