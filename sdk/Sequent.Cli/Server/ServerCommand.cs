using System.CommandLine;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Sequent.Bus;

namespace Sequent.Cli.Server;

/// <summary><c>sequent server</c>: runs a bus until Ctrl-C or SIGTERM.</summary>
internal static partial class ServerCommand
{
    /// <summary>
    /// Lets the thread that learns that a socket is ready read it, instead of handing that to the pool. The web server hands what it has read to the pool in any
    /// case, so nothing of the bus runs there, nor can hold it up; a TLS handshake with a collector of telemetry could. The runtime has no other switch, and looks
    /// at it when the first socket is made.
    /// </summary>
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    public static Command Create(Option<string[]> logLevel)
    {
        var options = Settings.All.Select(setting => (Setting: setting, Option: setting == Settings.LogLevel ? logLevel : OptionOf(setting))).ToArray();
        var command = new Command("server", """
            Runs the event bus.

            Every option can also be set by the environment (--message-bytes is SEQUENT_MESSAGE_BYTES), and in appsettings.json of the folder one is in
            (MessageBytes in section Sequent). The command line goes before the environment, and that before the file.
            """);
        foreach (var (setting, option) in options)
        {
            if (setting != Settings.LogLevel)
                command.Add(option);
        }

        command.SetAction((result, cancellationToken) => RunAsync(SettingSources.Collect(result, options, out var faults), faults, cancellationToken));
        return command;
    }

    public static Option<string[]> OptionOf(Setting setting)
    {
        var option = new Option<string[]>(setting.Option)
        {
            Description = setting.Description,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
            HelpName = "value",
        };
        if (setting.Short is { } alias)
            option.Aliases.Add(alias);
        return option;
    }

    private static async Task<int> RunAsync(ServerSetup setup, IReadOnlyList<string> faults, CancellationToken cancellationToken)
    {
        if (faults.Count > 0)
            return await RefuseAsync(faults);
        if (setup.Otlp is not { Scheme: "https" } && Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
        try
        {
            await using var app = Build(setup);
            await app.StartAsync(cancellationToken);
            var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            if (!setup.Bind.IsLoopback)
                LogOpenToAll(app.Logger, address);
            await Console.Out.WriteLineAsync($"Sequent listens on {address.Replace("http://", "ws://", StringComparison.Ordinal)}, its log is {Path.GetFullPath(setup.Bus.DataFile!)}");
            await app.WaitForShutdownAsync(cancellationToken);
            return 0;
        }
        catch (OptionsValidationException e)
        {
            return await RefuseAsync([.. e.Failures.Select(setup.Explain)]);
        }
        catch (Exception e) when (e is StoreException or IOException or SocketException)
        {
            // The web server wraps "address in use"; its message names the address. Others, such as a port one may not use, come bare.
            return await RefuseAsync([e.Message]);
        }
    }

    private static async Task<int> RefuseAsync(IReadOnlyList<string> faults)
    {
        foreach (var fault in faults)
            await Console.Error.WriteLineAsync($"sequent: {fault}");
        return 1;
    }

    private static WebApplication Build(ServerSetup setup)
    {
        // The content root is where the tool is, not where it was started: nothing of the current folder is served or read.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls(setup.Bind.Url);
        builder.Logging.ClearProviders().SetMinimumLevel(setup.LogLevel);
        LogTo(builder.Logging, setup.LogsJson);
        builder.Logging.AddFilter("Microsoft", setup.LogLevel > LogLevel.Warning ? setup.LogLevel : LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        if (setup.Otlp is { } collector)
            builder.Services.AddOtlp(collector);
        builder.Services.AddSequentBus(setup.Configure);
        var app = builder.Build();
        app.MapSequentHealth();
        app.MapSequentAdmin();
        app.MapSequentBus("/{**path}");
        return app;
    }

    private static void LogTo(ILoggingBuilder logging, bool isJson)
    {
        void Common(ConsoleFormatterOptions options) => (options.TimestampFormat, options.UseUtcTimestamp) = ("yyyy-MM-ddTHH:mm:ss.fffK ", true);
        if (isJson)
        {
            logging.AddJsonConsole(o =>
            {
                Common(o);
                o.TimestampFormat = o.TimestampFormat!.TrimEnd();
            });
            return;
        }

        logging.AddSimpleConsole(o =>
        {
            Common(o);
            o.SingleLine = true;
        });
    }

    [LoggerMessage(1, LogLevel.Warning, "{Address} can be reached from other machines, and the bus asks nobody who they are: whoever reaches it reads and writes everything")]
    private static partial void LogOpenToAll(ILogger logger, string address);
}
