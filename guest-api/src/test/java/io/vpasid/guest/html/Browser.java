package io.vpasid.guest.html;

import io.vpasid.testing.Need;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A Chromium without a window, driven through chromedriver by the W3C's WebDriver protocol. Tests
/// that use one say [Need#CHROMIUM].
public final class Browser implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Pattern STARTED = Pattern.compile(".*started successfully on port (\\d+).*");

  private final Process driver;
  private final String session;

  private Browser(Process driver, String server) throws IOException {
    this.driver = driver;
    Map<String, Object> chromium =
        Map.of(
            "browserName",
            "chrome",
            "goog:loggingPrefs",
            Map.of("browser", "ALL"),
            "goog:chromeOptions",
            Map.of(
                "args",
                List.of(
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--hide-scrollbars",
                    "--window-size=1280,1000")));
    JsonNode opened = send("POST", server, Map.of("capabilities", Map.of("alwaysMatch", chromium)));
    session = server + "/" + opened.get("sessionId").stringValue();
  }

  /// Starts one.
  public static Browser open() {
    try {
      Process driver =
          new ProcessBuilder("chromedriver", "--port=0").redirectErrorStream(true).start();
      BufferedReader said = driver.inputReader();
      for (String line = said.readLine(); line != null; line = said.readLine()) {
        Matcher started = STARTED.matcher(line);
        if (started.matches()) {
          return new Browser(driver, "http://127.0.0.1:" + started.group(1) + "/session");
        }
      }
      throw new AssertionError("chromedriver did not start");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Goes to an address.
  public void go(URI address) {
    var _ = post("/url", Map.of("url", address.toString()));
  }

  /// Runs a script, the body of a function, and gives what it returns; a promise when it is kept.
  public JsonNode run(String script, Object... arguments) {
    return post("/execute/sync", Map.of("script", script, "args", List.of(arguments)));
  }

  /// Waits until an expression is true, at most 20 seconds.
  public void await(String expression) {
    boolean isTrue =
        run("""
        const end = performance.now() + 20000;
        return new Promise((done) => {
          const look = () => {
            if (%s) done(true);
            else if (performance.now() > end) done(false);
            else setTimeout(look, 50);
          };
          look();
        });
        """
                .formatted(expression))
            .booleanValue();
    if (!isTrue) {
      throw new AssertionError("not within 20 seconds: " + expression);
    }
  }

  /// The text of what a selector finds, each element's apart.
  public List<String> texts(String selector) {
    List<String> texts = new ArrayList<>();
    run(
            "return [...document.querySelectorAll(arguments[0])]"
                + ".filter(e => e.checkVisibility()).map(e => e.innerText.trim())",
            selector)
        .forEach(text -> texts.add(text.stringValue()));
    return texts;
  }

  /// Clicks what a selector finds first, as a person does: where something covers it, it fails.
  public void click(String selector) {
    var _ = post(element(selector) + "/click", Map.of());
  }

  /// Types into what a selector finds first.
  public void type(String selector, String text) {
    var _ = post(element(selector) + "/value", Map.of("text", text));
  }

  private String element(String selector) {
    JsonNode found = post("/element", Map.of("using", "css selector", "value", selector));
    return "/element/" + found.values().iterator().next().stringValue();
  }

  /// What the page wrote to the console, and what the browser has to say against it.
  public List<String> console() {
    List<String> lines = new ArrayList<>();
    post("/se/log", Map.of("type", "browser"))
        .forEach(l -> lines.add(l.get("message").stringValue()));
    return lines;
  }

  /// What axe-core has to say against the page as it is shown, each rule with the elements.
  public List<String> accessibilityProblems() {
    Need.AXE_CORE.require();
    List<String> problems = new ArrayList<>();
    try {
      String axe = Files.readString(Need.AXE_CORE_SCRIPT);
      run(axe + "; return axe.run({ resultTypes: ['violations'] }).then(r => r.violations)")
          .forEach(rule ->
              rule.get("nodes")
                  .forEach(node ->
                      problems.add(
                          rule.get("id").stringValue() + " " + node.get("html").stringValue())));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return problems;
  }

  /// Looks as on a screen with these colours, or on paper.
  ///
  /// @param medium `screen` or `print`
  /// @param scheme `light` or `dark`
  public void look(String medium, String scheme) {
    devTools(
        "Emulation.setEmulatedMedia",
        Map.of(
            "media",
            medium,
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  /// Makes the page this wide.
  public void resize(int width, int height) {
    devTools(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
  }

  private void devTools(String command, Map<String, ?> parameters) {
    var _ = post("/goog/cdp/execute", Map.of("cmd", command, "params", parameters));
  }

  /// What is in the window, as PNG.
  public byte[] screenshot() {
    try {
      return Base64.getDecoder()
          .decode(send("GET", session + "/screenshot", Map.of()).stringValue());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The page on paper, as PDF.
  public byte[] print() {
    return Base64.getDecoder().decode(post("/print", Map.of("background", true)).stringValue());
  }

  private JsonNode post(String path, Object body) {
    try {
      return send("POST", session + path, body);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode send(String method, String address, Object body) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) URI.create(address).toURL().openConnection();
    connection.setRequestMethod(method);
    connection.setReadTimeout(120_000);
    if (method.equals("POST")) {
      connection.setDoOutput(true);
      connection.setRequestProperty("Content-Type", "application/json; charset=utf-8");
      try (OutputStream out = connection.getOutputStream()) {
        out.write(JSON.writeValueAsString(body).getBytes(StandardCharsets.UTF_8));
      }
    }
    boolean isDone = connection.getResponseCode() == 200;
    try (InputStream in = isDone ? connection.getInputStream() : connection.getErrorStream()) {
      JsonNode value = JSON.readTree(in.readAllBytes()).get("value");
      if (!isDone) {
        throw new AssertionError(value.get("message").stringValue());
      }
      return value;
    }
  }

  /// Writes a screenshot beside others that people look at, if the system property
  /// `vpasid.screenshots` names a folder for them.
  public void picture(String name) {
    String folder = System.getProperty("vpasid.screenshots", "");
    if (!folder.isEmpty()) {
      try {
        Files.write(Files.createDirectories(Path.of(folder)).resolve(name), screenshot());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Override
  public void close() {
    try {
      var _ = send("DELETE", session, Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      driver.destroy();
    }
  }
}
