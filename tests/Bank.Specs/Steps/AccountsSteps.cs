using Bank.Specs.Running;
using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>Opening accounts, paying in and out.</summary>
internal sealed class AccountsSteps(World world)
{
    /// <summary>2^53 - 1, which the bank never comes to.</summary>
    public const long UnknownAccount = 9007199254740991;

    [Step("{customer} has an account")]
    public Task HasAccountAsync(string customer) => world.Who(customer).OpenAccountAsync();

    [Step("{customer} has an account with {amount}")]
    public Task HasAccountAsync(string customer, string balance) => world.Who(customer).OpenAccountAsync(balance);

    [Step("the customers have these accounts:")]
    public async Task HaveAccountsAsync(Table accounts)
    {
        foreach (var account in accounts.Records)
            await HasAccountAsync(account["customer"], account["balance"]);
    }

    [Step("{customer} asks for an account")]
    public async Task AskForAccountAsync(string customer) => world.Answer = await world.Who(customer).RequestAccountAsync(key: null);

    [Step("{customer} asks for an account under the key {text}")]
    public async Task AskForAccountAsync(string customer, string key) => world.Answer = await world.Who(customer).RequestAccountAsync(key);

    [Step("{customer} is told that {whose} request is pending")]
    public void IsPending(string customer, string whose)
    {
        Assert.That(world.Who(customer), Is.SameAs(world.Who(whose)));
        Assert.That((world.Answer.Status, world.Answer["status"]), Is.EqualTo((202, "pending")));
    }

    [Step("{whose} request is still pending")]
    public async Task IsStillPendingAsync(string whose) =>
        Assert.That((await world.Who(whose).AtBank.GetAsync(Part.Users, world.Who(whose).RequestPath))["status"], Is.EqualTo("pending"));

    [Step("{customer} looks at {whose} request")]
    public async Task LookAtRequestAsync(string customer, string whose) =>
        world.Answer = await world.Who(customer).AtBank.GetAsync(Part.Users, world.Who(whose).RequestPath);

    [Step("shortly after {customer} has {int} account")]
    [Step("shortly after {customer} has {int} accounts")]
    public async Task HasAccountsAsync(string customer, int count)
    {
        await world.Who(customer).ReceiveAccountsAsync();
        Assert.That(world.Who(customer).Accounts, Has.Count.EqualTo(count));
    }

    [Step("the accounts department is closed")]
    public Task CloseAsync() => world.CloseAccountsAsync();

    [Step("the accounts department opens again")]
    public Task OpenAsync() => world.OpenAccountsAsync();

    [Step("{customer} deposits {amount}")]
    [Step("{customer} deposits {text}")]
    public Task DepositAsync(string customer, string amount) => PayAsync(customer, "deposit", world.Who(customer), amount);

    [Step("{customer} withdraws {amount}")]
    [Step("{customer} withdraws {text}")]
    public Task WithdrawAsync(string customer, string amount) => PayAsync(customer, "withdrawal", world.Who(customer), amount);

    [Step("{customer} withdraws {amount} from {whose} account")]
    public Task WithdrawAsync(string customer, string amount, string whose) => PayAsync(customer, "withdrawal", world.Who(whose), amount);

    [Step("{customer} deposits {amount} under the key {text}")]
    public async Task DepositAsync(string customer, string amount, string key) =>
        world.Answer = await world.Who(customer).AtBank.PostAsync(Part.Accounts, $"{world.Who(customer).AccountPath}/deposit", new { amount }, key);

    [Step("{customer} makes these payments:")]
    public async Task PayAsync(string customer, Table payments)
    {
        foreach (var payment in payments.Records)
        {
            await PayAsync(customer, payment["payment"], world.Who(customer), payment["amount"]);
            Assert.That(world.Answer.Status, Is.EqualTo(202), $"{payment["payment"]} of {payment["amount"]}: {world.Answer.Body}");
        }
    }

    [Step("{whose} balance is {amount}")]
    public async Task BalanceIsAsync(string whose, string balance) =>
        Assert.That(await world.Who(whose).AtBank.BalanceAsync(world.Who(whose).Account), Is.EqualTo(balance));

    [Step("{customer} looks at {whose} balance")]
    public async Task LookAtBalanceAsync(string customer, string whose) =>
        world.Answer = await world.Who(customer).AtBank.GetAsync(Part.Accounts, world.Who(whose).AccountPath);

    [Step("{customer} looks at an account that does not exist")]
    public async Task LookAtUnknownAccountAsync(string customer) =>
        world.Answer = await world.Who(customer).AtBank.GetAsync(Part.Accounts, Person.PathOf(UnknownAccount));

    private async Task PayAsync(string customer, string payment, Person owner, string amount) =>
        world.Answer = await world.Who(customer).AtBank.PostAsync(Part.Accounts, $"{owner.AccountPath}/{payment}", new { amount });
}
