package io.vpasid.guest.html;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Objects;

/// A page that needs nothing but itself: its style and its script are in it, and a policy lets a
/// browser run and load these two and nothing else, whatever the rest of the page holds.
///
/// @param title of the page, which is its first heading too
/// @param furtherStyle rules beside those that all pages have
/// @param script a resource of this package, such as `report.js`
/// @param connects the script may ask the server that the page came from
public record HtmlPage(String title, String furtherStyle, String script, boolean connects) {
  /// The first bytes of every page, by which one is known again.
  public static final String START =
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="generator" content="vpasid">
      """;

  /// A page that a file holds.
  public static HtmlPage ofFile(String title, String furtherStyle) {
    return new HtmlPage(title, furtherStyle, "report.js", false);
  }

  /// The policy, as a header or a `meta` element has it.
  public String policy() {
    return "default-src 'none'; style-src '%s'; script-src '%s'%s; base-uri 'none'; form-action 'none'"
        .formatted(hash(style()), hash(scriptText()), connects ? "; connect-src 'self'" : "");
  }

  /// Writes the page.
  ///
  /// @param main what it shows below its heading, in pieces
  public void write(Appendable to, List<String> main) throws IOException {
    Html head = new Html();
    head.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
        .empty("meta", "http-equiv", "Content-Security-Policy", "content", policy())
        .empty("meta", "name", "referrer", "content", "no-referrer")
        .empty("meta", "name", "color-scheme", "content", "light dark")
        .element("title", title);
    to.append(START).append(head.toString());
    to.append("<style>").append(style()).append("</style>\n</head>\n<body>\n");
    to.append("<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>");
    to.append(new Html().element("h1", title).toString());
    to.append("</header>\n<main id=\"main\" tabindex=\"-1\">\n");
    for (String piece : main) {
      to.append(piece);
    }
    to.append("</main>\n<script>").append(scriptText()).append("</script>\n</body>\n</html>\n");
  }

  private String style() {
    return resource("page.css") + furtherStyle;
  }

  private String scriptText() {
    return resource(script);
  }

  private static String resource(String name) {
    try (InputStream in =
        Objects.requireNonNull(HtmlPage.class.getResourceAsStream(name), "no resource " + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A digest by which a policy names a text (Content Security Policy Level 3, section 2.3.1).
  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256.", e);
    }
  }
}
