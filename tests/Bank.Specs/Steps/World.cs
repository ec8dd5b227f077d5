using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>What the steps of one scenario share: the bank, the people in it, and what was answered last.</summary>
internal sealed class World(BankUnderTest bank, BankClock clock) : IAsyncDisposable
{
    private const string She = "she";
    private const string He = "he";

    private static readonly Dictionary<string, string> Pronouns = new() { ["Alice"] = She, ["Mallory"] = She, ["Bob"] = He };

    private readonly Dictionary<string, Person> _people = [];
    private readonly Dictionary<string, Person> _mentioned = [];
    private Customer? _somebody;
    private bool _accountsIsClosed;

    public BankUnderTest Bank => bank;

    public BankClock Clock => clock;

    public IEnumerable<Person> People => _people.Values;

    /// <summary>Somebody without a name.</summary>
    public Customer Somebody => _somebody ??= new Customer(bank, "somebody");

    /// <summary>The answer to what was asked last.</summary>
    public Answer Answer { get => field ?? throw new AssertionException("Nobody has asked the bank for anything yet."); set; } = null!;

    /// <summary>The ids of the transfers that the bank took, in order.</summary>
    public List<string> Transfers { get; } = [];

    /// <summary>Whom a line means: "Alice", "Alice's", or "she", "her" for the woman named last.</summary>
    public Person Who(string word)
    {
        var name = word.EndsWith("'s", StringComparison.Ordinal) ? word[..^2] : word;
        var pronoun = name switch { "she" or "her" => She, "he" or "his" => He, _ => null };
        if (pronoun is not null)
            return _mentioned.GetValueOrDefault(pronoun) ?? throw new AssertionException($"It is not clear who \"{word}\" is: nobody was named yet.");
        if (!Pronouns.TryGetValue(name, out pronoun))
            throw new AssertionException($"Nobody is called {name}; there are {string.Join(", ", Pronouns.Keys)}.");
        if (!_people.TryGetValue(name, out var person))
            _people[name] = person = new Person(bank, name);
        return _mentioned[pronoun] = person;
    }

    public async Task CloseAccountsAsync()
    {
        await bank.StopAsync(Part.Accounts);
        _accountsIsClosed = true;
    }

    public async Task OpenAccountsAsync()
    {
        await bank.StartAsync(Part.Accounts);
        await bank.ReadyAsync(Part.Accounts);
        _accountsIsClosed = false;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var person in People)
            person.Dispose();
        _somebody?.Dispose();
        if (_accountsIsClosed)
            await OpenAccountsAsync();
    }
}
