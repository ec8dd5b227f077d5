using Bank.Accounts;
using Bank.Transactions;
using Bank.Users;
using Bank.Web;
using Bank.Web.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sequent.Bus;
using Spectre.Console;

namespace Demo;

/// <summary>The bus, the three services and the page, in this process, each with its own web server as if it were alone.</summary>
internal sealed class InProcessBank : IRunningBank
{
    // Says with a stack trace what the demo says in one line: a port is taken, the folder is in use.
    private const string HostLog = "Microsoft.Extensions.Hosting.Internal.Host";

    private readonly Stack<WebApplication> _apps = [];
    private readonly string _folder;
    private readonly bool _freePorts;

    private InProcessBank(string folder, bool freePorts) => (_folder, _freePorts) = (Path.GetFullPath(folder), freePorts);

    public BankAddresses Addresses { get; private set; } = null!;

    public static async Task<InProcessBank> StartAsync(string folder, bool freePorts, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var bank = new InProcessBank(folder, freePorts);
        try
        {
            var bus = AsWebSocket(await bank.StartAsync(bank.BuildBus(), cancellationToken));
            var users = await bank.StartAsync(UsersService.Build(bank.Arguments(5005, bus, "users.db"), StoppedByTheDemo), cancellationToken);
            string[] asksUsers = [$"--Users:Url={users.OriginalString}"];
            var accounts = await bank.StartAsync(AccountsService.Build([.. bank.Arguments(5003, bus, "accounts.db"), .. asksUsers], StoppedByTheDemo), cancellationToken);
            var transactions = await bank.StartAsync(TransactionsService.Build([.. bank.Arguments(5004, bus, "transactions.db"), .. asksUsers], StoppedByTheDemo), cancellationToken);
            var services = new ServiceAddresses(users, accounts, transactions);
            var page = await bank.StartAsync(BankPage.Build([.. bank.Arguments(8080), .. services.AsArguments(), $"--Keys={bank.PathOf("keys")}"], StoppedByTheDemo), cancellationToken);
            bank.Addresses = new BankAddresses(bus, services, page);
            await bank.Addresses.WaitUntilReadyAsync(cancellationToken);
            return bank;
        }
        catch
        {
            await bank.DisposeAsync();
            throw;
        }
    }

    public void Show()
    {
        var services = Addresses.Services;
        var table = new Table().Title("What runs").AddColumns("Service", "Address", "Routes");
        table.AddRow("Sequent bus", Addresses.Bus.OriginalString, "");
        foreach (var (name, address) in new[] { ("Users", services.Users), ("Accounts", services.Accounts), ("Transactions", services.Transactions) })
            table.AddRow(name, address.OriginalString, $"{address.OriginalString}/scalar");
        table.AddRow("Page", Addresses.Page.OriginalString, "");
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"The bank's data is in [blue]{_folder}[/]. Delete accounts.db or transactions.db: they are rebuilt from the log.");
    }

    /// <summary>Services first, then the bus.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_apps.TryPop(out var app))
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    private async Task<Uri> StartAsync(WebApplication app, CancellationToken cancellationToken)
    {
        _apps.Push(app);
        await app.StartAsync(cancellationToken);
        return new Uri(app.Urls.First());
    }

    private WebApplication BuildBus()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls(Url(8081));
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter(HostLog, LogLevel.None);
        builder.Services.AddSequentBus(o => o.DataFile = PathOf("bus.db"));
        StoppedByTheDemo(builder);
        var app = builder.Build();
        app.MapSequentBus("/{**path}");
        return app;
    }

    /// <summary>Five hosts that each hear Ctrl-C would all stop at once, and the services would miss the bus. Here the demo stops them, in order.</summary>
    private static void StoppedByTheDemo(WebApplicationBuilder builder) => builder.Services.AddSingleton<IHostLifetime, NoSignals>();

    private string[] Arguments(int port, Uri bus, string stateFile) =>
        [.. Arguments(port), $"--Sequent:Server={bus.OriginalString}", $"--ConnectionStrings:State=Data Source={PathOf(stateFile)}"];

    private string[] Arguments(int port) => [$"--Urls={Url(port)}", "--Logging:LogLevel:Default=Warning", $"--Logging:LogLevel:{HostLog}=None"];

    private string PathOf(string name) => Path.Combine(_folder, name);

    // A free port exists only for one address: "localhost" are two.
    private string Url(int port) => _freePorts ? "http://127.0.0.1:0" : $"http://localhost:{port}";

    private static Uri AsWebSocket(Uri http) => new(http.OriginalString.Replace("http://", "ws://", StringComparison.Ordinal));

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
