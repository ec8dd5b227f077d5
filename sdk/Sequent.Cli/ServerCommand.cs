using System.CommandLine;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Logging.Console;
using Sequent.Bus;

namespace Sequent.Cli;

/// <summary><c>sequent server</c>: runs a bus until Ctrl-C or SIGTERM.</summary>
internal static class ServerCommand
{
    public static Command Create(Option<LogLevel> logLevel)
    {
        var bind = new Option<BindAddress>("--bind", "-b")
        {
            Description = "Where to listen, as host:port; port 0 takes any free one [default: localhost:8081]",
            CustomParser = BindAddress.Parse,
        };
        var data = new Option<string>("--data", "-d")
        {
            Description = "The file of the log; it is created if it does not exist",
            DefaultValueFactory = _ => "sequent.db",
        };
        data.Validators.Add(result =>
        {
            if (string.IsNullOrWhiteSpace(result.GetValueOrDefault<string>()))
                result.AddError("--data needs the name of a file, such as sequent.db.");
        });
        var command = new Command("server", "Runs the event bus.") { bind, data };
        command.SetAction((result, cancellationToken) =>
            RunAsync(result.GetValue(bind) ?? BindAddress.Default, result.GetRequiredValue(data), result.GetValue(logLevel), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(BindAddress bind, string data, LogLevel logLevel, CancellationToken cancellationToken)
    {
        await using var app = Build(bind, data, logLevel);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is StoreException or IOException or SocketException)
        {
            // The web server wraps "address in use"; its message names the address. Others, such as a port one may not use, come bare.
            await Console.Error.WriteLineAsync($"sequent: {e.Message}");
            return 1;
        }

        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await Console.Out.WriteLineAsync($"Sequent listens on {address.Replace("http://", "ws://", StringComparison.Ordinal)}, its log is {Path.GetFullPath(data)}");
        await app.WaitForShutdownAsync(cancellationToken);
        return 0;
    }

    private static WebApplication Build(BindAddress bind, string data, LogLevel logLevel)
    {
        // The content root is where the tool is, not where it was started: nothing of the current folder is served or read.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls(bind.Url);
        builder.Logging.ClearProviders().SetMinimumLevel(logLevel).AddSimpleConsole(o =>
        {
            o.SingleLine = true;
            o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffK ";
            o.UseUtcTimestamp = true;
        });
        builder.Logging.AddFilter("Microsoft", logLevel > LogLevel.Warning ? logLevel : LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddSequentBus(o => o.DataFile = data);
        var app = builder.Build();
        app.MapSequentAdmin();
        app.MapSequentBus("/{**path}");
        return app;
    }
}
