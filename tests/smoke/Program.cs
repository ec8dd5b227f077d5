// What a stranger's first program does with the packages. build.cake copies it into a fresh console project outside the repository,
// which knows Sequent only from the packed files, runs it against the packed tool's server, and checks that the version it prints is
// the one that was packed.
using System.Reflection;
using Sequent.Client;

var options = new SequentOptions { Server = new Uri(args[0]) };
options.Events.Add<Deposited>().Add<Withdrawn>();
await using var client = new SequentClient(options);

await client.PublishAsync(new Deposited(50m), "acc-7");
await client.UpdateAsync(async (unit, ct) =>
{
    var account = await unit.ReadAsync<Account>("acc-7", ct);
    if (account.Balance >= 20m)
        unit.Append("acc-7", new Withdrawn(20m));
});
var balance = (await client.ReadAsync<Account>("acc-7")).State.Balance;
if (balance != 30m)
    throw new InvalidOperationException($"The balance is {balance}.");

var assembly = typeof(SequentClient).Assembly;
var version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
Console.WriteLine($"{assembly.GetName().Name} {version} works");

public sealed record Deposited(decimal Amount);

public sealed record Withdrawn(decimal Amount);

public sealed record Account(decimal Balance) : IState<Account>
{
    public static Account Initial => new(0m);

    public static Account Apply(Account state, RecordedEvent e) => e.Data switch
    {
        Deposited d => new(state.Balance + d.Amount),
        Withdrawn w => new(state.Balance - w.Amount),
        _ => state,
    };
}
