using System.Globalization;
using Bank.Web.Api;
using Spectre.Console;

namespace Demo;

/// <summary>The bus, any number of instances of each service, and the page, each a process of its own, so that one can kill or stop them by hand.</summary>
internal sealed class ProcessBank : IRunningBank
{
    private const int PortStep = 10;

    private readonly Stack<BankProcess> _processes = [];
    private readonly string _folder;
    private readonly bool _freePorts;

    private ProcessBank(string folder, bool freePorts) => (_folder, _freePorts) = (Path.GetFullPath(folder), freePorts);

    public BankAddresses Addresses { get; private set; } = null!;

    public static async Task<ProcessBank> StartAsync(string folder, bool freePorts, int instances, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var bank = new ProcessBank(folder, freePorts);
        try
        {
            var bus = (await bank.StartAsync("Sequent bus", "sequent.dll", 8081, host => ["server", "--bind", host, "--data", bank.FileOf("bus.db"), .. ToCollector()], cancellationToken)).Address;
            var services = await bank.StartInstanceAsync(1, bus, cancellationToken);
            for (var number = 2; number <= instances; number++)
                await bank.StartInstanceAsync(number, bus, cancellationToken);
            var page = await bank.StartAsync("Page", "Bank.Web.dll", 8080, host => [$"--Urls=http://{host}", .. services.AsArguments(), $"--Keys={bank.FileOf("keys")}"], cancellationToken);
            bank.Addresses = new BankAddresses(bus, services, page.Address);
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
        var table = new Table().Title("What runs").AddColumns("Process", "Id", "Address");
        foreach (var process in _processes.Reverse())
            table.AddRow(process.Name, process.Id.ToString(CultureInfo.InvariantCulture), process.Address.OriginalString);
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"The bank's data, and what the processes print, is in [blue]{_folder}[/].");
        AnsiConsole.MarkupLine("Kill one ([blue]kill -9 Id[/]), or freeze it ([blue]kill -STOP Id[/], then [blue]-CONT[/]): a killed one is started again, and no money is lost.");
    }

    /// <summary>Services first, then the bus.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            process.KeepDown();
        await Task.WhenAll(_processes.SkipLast(1).Select(service => service.DisposeAsync().AsTask()));
        if (_processes.LastOrDefault() is { } bus)
            await bus.DisposeAsync();
        _processes.Clear();
    }

    /// <summary>One of each service. Users share one database, because it is a source of truth; the others have a read model each.</summary>
    private async Task<ServiceAddresses> StartInstanceAsync(int number, Uri bus, CancellationToken cancellationToken)
    {
        var offset = (number - 1) * PortStep;
        var users = await StartAsync($"Users {number}", "Bank.Users.dll", 5005 + offset, host => Arguments(host, bus, "users.db"), cancellationToken);
        string[] asksUsers = [$"--Users:Url={users.Address.OriginalString}"];
        var accounts = await StartAsync($"Accounts {number}", "Bank.Accounts.dll", 5003 + offset, host => [.. Arguments(host, bus, $"accounts{Suffix(number)}.db"), .. asksUsers], cancellationToken);
        var transactions = await StartAsync($"Transactions {number}", "Bank.Transactions.dll", 5004 + offset, host => [.. Arguments(host, bus, $"transactions{Suffix(number)}.db"), .. asksUsers], cancellationToken);
        return new ServiceAddresses(users.Address, accounts.Address, transactions.Address);
    }

    private async Task<BankProcess> StartAsync(string name, string dll, int port, Func<string, string[]> arguments, CancellationToken cancellationToken)
    {
        // A free port exists only for one address: "localhost" are two.
        var host = _freePorts ? "127.0.0.1:0" : $"localhost:{port}";
        var output = FileOf($"{name.ToLowerInvariant().Replace(' ', '-')}.log");
        var process = await BankProcess.StartAsync(name, dll, host, arguments, output, cancellationToken);
        _processes.Push(process);
        return process;
    }

    private string[] Arguments(string host, Uri bus, string stateFile) =>
    [
        $"--Urls=http://{host}",
        $"--Sequent:Server={bus.OriginalString}",
        $"--ConnectionStrings:State=Data Source={FileOf(stateFile)}",
    ];

    /// <summary>The first one has the files of the bank in one process: both go on with the same money.</summary>
    private static string Suffix(int number) => number == 1 ? "" : $"-{number}";

    private string FileOf(string name) => Path.Combine(_folder, name);

    /// <summary>The services look for it themselves.</summary>
    private static string[] ToCollector() => Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 } collector ? ["--otlp", collector] : [];
}
