package io.vpasid.guest.daemon;

import io.vpasid.guest.config.Limits;
import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.config.LogStyle.Format;
import io.vpasid.synth.json.Unprintable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// The daemon's log: everything that is logged in the process, a line each, on one stream.
///
/// ```text
/// 2026-11-25 22:15:03 INFO  A function is served. (function=dsa socket=/run/dsa.sock)
/// {"time":"2026-11-25T22:15:03.123Z","level":"info","logger":"daemon","message":"…","function":"dsa"}
/// ```
///
/// A thread of its own writes, so that nobody who logs waits for the stream: a reader that is slow,
/// a full disk and a closed stream cost lines, which are counted, and nothing else. What one
/// function, or one logger, has to say is limited by [LogRates]; a line from time to time says how
/// much was left out.
public final class DaemonLog implements AutoCloseable {
  /// Most lines that wait to be written.
  private static final int WAITING = 1024;

  private static final long CLOSE_MILLIS = 1000;

  /// Milliseconds that the writer waits for a line before it looks whether lines were left out.
  private static final long LOOK_MILLIS = 1000;

  /// The field that names what a line is about.
  private static final String FUNCTION = "function";

  private static final String NAME = "io.vpasid.guest.daemon";
  private static final JsonMapper JSON = new JsonMapper();
  private static final DateTimeFormatter CLOCK =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT)
          .withZone(ZoneId.systemDefault());

  private final BlockingQueue<String> lines = new ArrayBlockingQueue<>(WAITING);
  private final LongAdder lost = new LongAdder();
  private final LongAdder leftOut = new LongAdder();
  private final LogRates rates;
  private final OutputStream out;
  private final boolean json;
  private final Thread writer;
  private final Level level;
  private final ToQueue handler = new ToQueue();
  private volatile boolean closed;

  private DaemonLog(OutputStream out, boolean json, Level level, Limits limits) {
    this.out = out;
    this.json = json;
    this.level = level;
    this.rates =
        new LogRates(
            limits.get(Limits.LOG_LINES_AT_ONCE),
            limits.get(Limits.LOG_LINES_PER_SECOND),
            System::nanoTime);
    this.writer = Thread.ofPlatform().name("log").daemon().start(this::write);
  }

  /// Takes over the log of this process: what every logger says goes to `out` from now on, and
  /// nowhere else.
  ///
  /// @param out is not closed
  /// @param terminal whether a person looks at it
  public static DaemonLog takeOver(
      OutputStream out, LogStyle style, Limits limits, boolean terminal) {
    DaemonLog log = to(out, style, limits, terminal);
    LogManager.getLogManager().reset();
    Logger root = Logger.getLogger("");
    root.addHandler(log.handler);
    root.setLevel(levelOf(style));
    // Netty tells its defaults at this level, which nobody has asked about.
    QUIET.setLevel(style.level() == LogStyle.Level.DEBUG ? Level.INFO : levelOf(style));
    NETWORK.setLevel(Level.SEVERE);
    return log;
  }

  /// A log of the daemon alone, which leaves the process's loggers as they are.
  ///
  /// @param out is not closed
  /// @param terminal whether a person looks at it
  static DaemonLog to(OutputStream out, LogStyle style, boolean terminal) {
    return to(out, style, Limits.DEFAULTS, terminal);
  }

  private static DaemonLog to(OutputStream out, LogStyle style, Limits limits, boolean terminal) {
    boolean json = style.format() == Format.JSON || (style.format() == Format.AUTO && !terminal);
    return new DaemonLog(out, json, levelOf(style), limits);
  }

  /// Held, because the log manager forgets loggers that nobody holds, with their levels.
  private static final Logger QUIET = Logger.getLogger("io.netty");

  /// Warns where there is no network, of which a daemon on Unix sockets needs none. Held likewise.
  private static final Logger NETWORK = Logger.getLogger("io.netty.util.NetUtilInitializations");

  private static Level levelOf(LogStyle style) {
    return levelOf(org.slf4j.event.Level.valueOf(style.level().name()));
  }

  /// The levels of `java.util.logging`, which is behind SLF4J here and which nobody else speaks of.
  private static Level levelOf(org.slf4j.event.Level severity) {
    return switch (severity) {
      case TRACE, DEBUG -> Level.FINE;
      case INFO -> Level.INFO;
      case WARN -> Level.WARNING;
      case ERROR -> Level.SEVERE;
    };
  }

  /// The number of lines that were not written.
  public long lost() {
    return lost.sum();
  }

  /// The number of lines that were left out because their source had too many.
  long leftOut() {
    return leftOut.sum();
  }

  /// Logs what happened.
  void say(org.slf4j.event.Level severity, String message) {
    say(severity, message, new EventData());
  }

  /// Logs what happened, with what is to be found again by machines.
  void say(org.slf4j.event.Level severity, String message, EventData fields) {
    Level own = levelOf(severity);
    if (own.intValue() >= level.intValue() && admits(fields.values().get(FUNCTION))) {
      handler.publish(record(own, message, fields));
    }
  }

  private static LogRecord record(Level level, String message, EventData fields) {
    LogRecord record = new LogRecord(level, message);
    record.setLoggerName(NAME);
    record.setParameters(new Object[] {fields});
    return record;
  }

  /// The fields of a line of [#say]; empty for the lines of others.
  private static Optional<EventData> fields(LogRecord record) {
    Object[] parameters = record.getParameters();
    return parameters != null && parameters.length == 1 && parameters[0] instanceof EventData fields
        ? Optional.of(fields)
        : Optional.empty();
  }

  private boolean admits(@Nullable Object source) {
    if (source == null || rates.admits(source.toString())) {
      return true;
    }
    leftOut.increment();
    return false;
  }

  private final class ToQueue extends Handler {
    private final Formatter plain =
        new Formatter() {
          @Override
          public String format(LogRecord record) {
            return formatMessage(record);
          }
        };

    @Override
    public void publish(LogRecord record) {
      // Lines of ours have been admitted already.
      if (isLoggable(record)
          && (fields(record).isPresent() || admits(record.getLoggerName()))
          && !lines.offer(line(record))) {
        lost.increment();
      }
    }

    private String line(LogRecord record) {
      Map<String, ?> fields = fields(record).map(EventData::values).orElse(Map.of());
      String message = plain.format(record);
      return json ? jsonLine(record, message, fields) : textLine(record, message, fields);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  private static String textLine(LogRecord record, String message, Map<String, ?> fields) {
    StringBuilder line = new StringBuilder();
    line.append(CLOCK.format(record.getInstant()))
        .append(String.format(Locale.ROOT, " %-5s ", levelName(record).toUpperCase(Locale.ROOT)))
        .append(oneLine(message));
    if (!fields.isEmpty()) {
      line.append(
          fields.entrySet().stream()
              .map(e -> e.getKey() + "=" + oneLine(String.valueOf(e.getValue())))
              .collect(Collectors.joining(" ", " (", ")")));
    }
    Throwable thrown = record.getThrown();
    return thrown == null ? line.append('\n').toString() : line + "\n" + stack(thrown);
  }

  private static String jsonLine(LogRecord record, String message, Map<String, ?> fields) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("time", Instant.ofEpochMilli(record.getInstant().toEpochMilli()).toString());
    line.put("level", levelName(record));
    line.put("logger", String.valueOf(record.getLoggerName()));
    line.put("message", message);
    line.putAll(fields);
    Throwable thrown = record.getThrown();
    if (thrown != null) {
      line.put("error", stack(thrown));
    }
    return JSON.writeValueAsString(line) + "\n";
  }

  private static String levelName(LogRecord record) {
    int level = record.getLevel().intValue();
    if (level >= Level.SEVERE.intValue()) {
      return "error";
    }
    if (level >= Level.WARNING.intValue()) {
      return "warn";
    }
    return level >= Level.INFO.intValue() ? "info" : "debug";
  }

  private static String stack(Throwable thrown) {
    StringWriter text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  private static String oneLine(String text) {
    return Unprintable.inOneLine(text);
  }

  private void write() {
    try {
      while (!closed || !lines.isEmpty()) {
        String line = lines.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        if (line != null) {
          write(line);
        }
        tellLeftOut(false);
      }
      tellLeftOut(true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tellLeftOut(boolean now) {
    rates
        .leftOut(now)
        .forEach((source, count) -> {
          EventData fields = EventData.of("source", source).and("lines", count);
          write(
              handler.line(
                  record(Level.WARNING, "Lines were left out, there were too many.", fields)));
        });
  }

  private void write(String line) {
    try {
      out.write(line.getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException e) {
      // There is no place to say so but the metrics.
      lost.increment();
    }
  }

  /// Writes what waits, for a second at most.
  @Override
  public void close() {
    closed = true;
    // The writer may be waiting for a line; if there is no room for this one, it is not.
    var _ = lines.offer("");
    try {
      writer.join(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
