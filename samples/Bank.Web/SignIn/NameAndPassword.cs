namespace Bank.Web.SignIn;

/// <summary>What the forms to log in and to register ask for.</summary>
public sealed class NameAndPassword
{
    public string? Username { get; set; }

    public string? Password { get; set; }
}
